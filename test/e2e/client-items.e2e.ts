import { expect } from '@jest/globals';
import { describeCells, type Cell, type Feature } from '../support/client-cells.js';
import { textOf } from '../support/sdk-client.js';

const TRACE = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'vendor=opaque',
  baggage: 'user=ada',
};

const named = (items: readonly object[], key: 'name' | 'uri' | 'uriTemplate') =>
  items.map((item) => (item as Record<string, unknown>)[key]);

async function listsTools({ client, name }: Cell): Promise<void> {
  const tools = await client.list('tools');
  const wanted = ['echo', 'add', 'all_content', 'ask_at_once', 'test_streaming_elicitation'];
  expect(named(tools, 'name')).toEqual(expect.arrayContaining(wanted.map(name)));
  const add = tools.find((tool) => tool['name'] === name('add'));
  expect(add).toMatchObject({
    title: 'Add',
    annotations: { readOnlyHint: true },
    inputSchema: { type: 'object', required: ['a', 'b'] },
    outputSchema: { properties: { sum: { type: 'number' } } },
  });
  expect(new Set(named(tools, 'name')).size).toBe(tools.length);
}

const FEATURES: readonly Feature[] = [
  {
    name: 'is welcomed',
    async run({ client, endpoint, clientKind }) {
      expect(client.capabilities).toMatchObject({ tools: {}, prompts: {}, resources: {}, completions: {} });
      expect(client.serverName).toBe(endpoint === 'transparent' ? 'isthmus-reference-server' : 'isthmus');
      if (endpoint === 'transparent') expect(client.instructions).toMatch(/every feature of the protocol/);
      if (clientKind.era === 'modern') expect(client.revision).toBe('2026-07-28');
    },
  },
  { name: 'lists tools', run: listsTools },
  {
    name: 'calls tools',
    async run({ client, name }) {
      expect(textOf(await client.call(name('echo'), { text: 'hello ✓' }))).toBe('hello ✓');
      expect((await client.call(name('add'), { a: 2, b: 3 })).structuredContent).toEqual({ sum: 5 });
    },
  },
  {
    name: 'calls tools side by side, and each call gets its own answer',
    async run({ client, name }) {
      const texts = Array.from({ length: 10 }, (_, index) => `text ${index}`);
      const answers = await Promise.all(texts.map((text) => client.call(name('echo'), { text })));
      expect(answers.map(textOf)).toEqual(texts);
    },
  },
  {
    name: 'gets every type of content',
    async run({ client, name, uri }) {
      const { content } = await client.call(name('all_content'));
      expect(content.map(({ type }) => type)).toEqual(['text', 'image', 'audio', 'resource', 'resource_link']);
      expect(content[1]).toMatchObject({ mimeType: 'image/png', data: expect.stringMatching(/^iVBOR/) });
      expect(content[2]).toMatchObject({ mimeType: 'audio/wav', data: expect.stringMatching(/^UklGR/) });
      expect(content[3]).toMatchObject({ resource: { uri: uri('test://embedded-resource') } });
      const [read] = await client.read(content[4]?.['uri'] as string);
      expect(read).toMatchObject({ text: 'This is the content of the static text resource.' });
    },
  },
  {
    name: 'gets a large answer whole',
    async run({ client, name }) {
      const text = textOf(await client.call(name('large'), { characters: 300_000 }));
      expect(text).toBe('x'.repeat(300_000));
    },
  },
  {
    name: "gets a server's error with its code and data",
    async run({ client, name }) {
      const call = client.call(name('throw_error'), { code: -31_999, message: 'so it is' });
      await expect(call).rejects.toMatchObject({
        code: -31_999,
        message: expect.stringContaining('so it is'),
        data: { thrownBy: 'throw_error' },
      });
    },
  },
  {
    name: 'gets what a tool failed at as a result',
    async run({ client, name }) {
      const failed = await client.call(name('test_error_handling'));
      expect(failed).toMatchObject({ isError: true });
      expect(textOf(failed)).toMatch(/intentionally/);
      await expect(client.call(name('no_such_tool'))).rejects.toMatchObject({ code: -32_602 });
    },
  },
  {
    name: 'lists and reads resources',
    async run({ client, uri }) {
      const wanted = ['test://static-text', 'test://static-binary', 'test://watched-resource'].map(uri);
      expect(named(await client.list('resources'), 'uri')).toEqual(expect.arrayContaining(wanted));
      const [text] = await client.read(uri('test://static-text'));
      expect(text).toMatchObject({ uri: uri('test://static-text'), mimeType: 'text/plain', text: expect.any(String) });
      const [binary] = await client.read(uri('test://static-binary'));
      expect(binary).toMatchObject({ mimeType: 'image/png', blob: expect.stringMatching(/^iVBOR/) });
    },
  },
  {
    name: 'reads what a template describes',
    async run({ client, uri }) {
      const templates = await client.list('resourceTemplates');
      expect(named(templates, 'uriTemplate')).toContain(uri('test://template/{id}/data'));
      const [data] = await client.read(uri('test://template/7/data'));
      expect(data).toMatchObject({ uri: uri('test://template/7/data') });
      expect(JSON.parse(data?.['text'] as string)).toMatchObject({ id: '7' });
    },
  },
  {
    name: 'is told in the code of its era that a resource is not there',
    async run({ client, clientKind, uri }) {
      const code = clientKind.resourceNotFound;
      await expect(client.read(uri('test://nowhere'))).rejects.toMatchObject({ code });
    },
  },
  {
    name: 'lists and gets prompts',
    async run({ client, name, uri }) {
      expect(named(await client.list('prompts'), 'name')).toContain(name('test_prompt_with_arguments'));
      const [said] = await client.prompt(name('test_prompt_with_arguments'), { arg1: 'one', arg2: 'two' });
      expect(said).toMatchObject({ content: { text: "Prompt with arguments: arg1='one', arg2='two'" } });
      const resourceUri = 'test://example';
      const [shown] = await client.prompt(name('test_prompt_with_embedded_resource'), { resourceUri });
      expect(shown).toMatchObject({ content: { resource: { uri: uri(resourceUri) } } });
      await expect(client.prompt(name('no_such_prompt'))).rejects.toMatchObject({ code: -32_602 });
    },
  },
  {
    name: 'has arguments completed',
    async run({ client, name, uri }) {
      const prompt = { type: 'ref/prompt', name: name('test_prompt_with_arguments') } as const;
      expect(await client.complete(prompt, { name: 'arg1', value: 'par' })).toEqual(['paris', 'park', 'party']);
      const template = { type: 'ref/resource', uri: uri('test://template/{id}/data') } as const;
      expect(await client.complete(template, { name: 'id', value: 'testa' })).toEqual(['testament']);
    },
  },
  {
    name: 'has its trace context carried through',
    async run({ client, name }) {
      const seen = await client.call(name('echo_meta'), {}, { meta: TRACE });
      expect(seen.structuredContent).toMatchObject(TRACE);
    },
  },
  {
    name: 'calls a tool whose parameters travel in headers too',
    async run({ client, name }) {
      const args = { region: 'eu-west ✓', limit: 3, note: 'none' };
      expect(JSON.parse(String(textOf(await client.call(name('header_params'), args))))).toEqual(args);
    },
  },
  {
    name: 'pings',
    run: async ({ client }) => expect(await client.ping()).toEqual({}),
    instead: ({ clientKind }) =>
      clientKind.era === 'modern'
        ? {
            why: 'This revision has no ping, and the client does not send one.',
            run: async ({ client }) => expect(client.ping()).rejects.toThrow(),
          }
        : undefined,
  },
];

describeCells(FEATURES);
