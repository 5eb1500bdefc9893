import { expect } from 'expect';
import { readAllPages, type ListName } from '../../support/sdk-client.js';
import type { Cell, FeatureGroup } from '../feature.js';

const pluck = (items: readonly object[], key: 'name' | 'uri' | 'uriTemplate') =>
  items.map((item) => (item as Record<string, unknown>)[key]);

/** An item on the last page of each list. */
const LISTS: readonly {
  readonly list: ListName;
  readonly key: 'name' | 'uri' | 'uriTemplate';
  readonly last: string;
}[] = [
  { list: 'tools', key: 'name', last: 'test_streaming_elicitation' },
  { list: 'prompts', key: 'name', last: 'test_input_required_result_prompt' },
  { list: 'resources', key: 'uri', last: 'test://greeting' },
  { list: 'resourceTemplates', key: 'uriTemplate', last: 'test://template/{id}/data' },
];

async function readsAllPages({ client, name, uri }: Cell): Promise<void> {
  for (const { list, key, last } of LISTS) {
    const pages = await readAllPages((cursor) => client.page(list, cursor));
    const seen = pages.flatMap((page) => pluck(page[list] as object[], key));
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toContain(key === 'name' ? name(last) : uri(last));
    // At the endpoint of a single server the other lists fit on one page.
    if (list === 'tools') expect(pages.length).toBeGreaterThan(1);
  }
}

export const PAGINATION: FeatureGroup = {
  title: 'Pagination',
  features: [
    { name: 'reads all pages of every list', run: readsAllPages },
    {
      name: 'receives an error for a cursor that the gateway did not issue',
      async run({ client }) {
        for (const { list } of LISTS) {
          await expect(client.page(list, 'made-up')).rejects.toMatchObject({ code: -32_602 });
        }
      },
    },
  ],
};

export const RESOURCES: FeatureGroup = {
  title: 'Resources',
  features: [
    {
      name: 'lists resources',
      async run({ client, uri }) {
        const wanted = ['test://static-text', 'test://static-binary', 'test://watched-resource'].map(uri);
        expect(pluck(await client.list('resources'), 'uri')).toEqual(expect.arrayContaining(wanted));
      },
    },
    {
      name: 'reads a text resource and a binary resource',
      async run({ client, uri }) {
        const [text] = await client.read(uri('test://static-text'));
        expect(text).toMatchObject({
          uri: uri('test://static-text'),
          mimeType: 'text/plain',
          text: expect.any(String),
        });
        const [binary] = await client.read(uri('test://static-binary'));
        expect(binary).toMatchObject({ mimeType: 'image/png', blob: expect.stringMatching(/^iVBOR/) });
      },
    },
    {
      name: 'lists resource templates and reads a resource of one of them',
      async run({ client, uri }) {
        const templates = await client.list('resourceTemplates');
        expect(pluck(templates, 'uriTemplate')).toContain(uri('test://template/{id}/data'));
        const [data] = await client.read(uri('test://template/7/data'));
        expect(data).toMatchObject({ uri: uri('test://template/7/data') });
        expect(JSON.parse(data?.['text'] as string)).toMatchObject({ id: '7' });
      },
    },
  ],
};

export const PROMPTS: FeatureGroup = {
  title: 'Prompts and completion',
  features: [
    {
      name: 'lists prompts',
      async run({ client, name }) {
        const prompts = await client.list('prompts');
        expect(prompts.find((prompt) => prompt['name'] === name('test_prompt_with_arguments'))).toMatchObject({
          title: 'With arguments',
          arguments: [{ name: 'arg1', required: true }, { name: 'arg2' }],
        });
      },
    },
    {
      name: 'gets a prompt with its arguments filled in',
      async run({ client, name }) {
        const [message] = await client.prompt(name('test_prompt_with_arguments'), { arg1: 'one', arg2: 'two' });
        expect(message).toMatchObject({ content: { text: "Prompt with arguments: arg1='one', arg2='two'" } });
      },
    },
    {
      name: 'gets a prompt with an embedded resource and one with an image',
      async run({ client, name, uri }) {
        const resourceUri = 'test://example';
        const [embedded] = await client.prompt(name('test_prompt_with_embedded_resource'), { resourceUri });
        expect(embedded).toMatchObject({ content: { resource: { uri: uri(resourceUri) } } });
        const [image] = await client.prompt(name('test_prompt_with_image'));
        expect(image).toMatchObject({ content: { type: 'image', mimeType: 'image/png' } });
      },
    },
    {
      name: 'completes an argument of a prompt',
      async run({ client, name }) {
        const prompt = { type: 'ref/prompt', name: name('test_prompt_with_arguments') } as const;
        expect(await client.complete(prompt, { name: 'arg1', value: 'par' })).toEqual(['paris', 'park', 'party']);
      },
    },
    {
      name: 'completes a variable of a resource template',
      async run({ client, uri }) {
        const template = { type: 'ref/resource', uri: uri('test://template/{id}/data') } as const;
        expect(await client.complete(template, { name: 'id', value: 'testa' })).toEqual(['testament']);
      },
    },
  ],
};
