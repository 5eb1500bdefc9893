import { expect } from 'expect';
import { textOf } from '../../support/sdk-client.js';
import type { Cell, Feature, FeatureGroup } from '../feature.js';

const content = (
  name: string,
  type: string,
  judge: (block: Record<string, unknown>, cell: Cell) => unknown,
): Feature => ({
  name,
  async run(cell) {
    const { content: blocks } = await cell.client.call(cell.name('all_content'));
    await judge(blocks.find((block) => block['type'] === type) ?? {}, cell);
  },
});

async function listsTools({ client, name }: Cell): Promise<void> {
  const tools = await client.list('tools');
  const wanted = ['echo', 'add', 'all_content', 'ask_at_once', 'test_streaming_elicitation'];
  const names = tools.map((tool) => tool['name']);
  expect(names).toEqual(expect.arrayContaining(wanted.map(name)));
  expect(tools.find((tool) => tool['name'] === name('add'))).toMatchObject({
    title: 'Add',
    annotations: { readOnlyHint: true },
    inputSchema: { type: 'object', required: ['a', 'b'] },
    outputSchema: { properties: { sum: { type: 'number' } } },
  });
  const wide = tools.find((tool) => tool['name'] === name('json_schema_2020_12_tool'));
  expect(wide).toMatchObject({ inputSchema: { $defs: { address: { $anchor: 'addressDef' } }, allOf: [{}] } });
}

export const TOOLS: FeatureGroup = {
  title: 'Tools',
  features: [
    { name: 'lists tools, with their schemas as the server wrote them', run: listsTools },
    {
      name: 'calls a tool',
      async run({ client, name }) {
        expect(textOf(await client.call(name('echo'), { text: 'hello ✓' }))).toBe('hello ✓');
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
      name: 'calls a tool whose parameters travel in headers too',
      async run({ client, name }) {
        const args = { region: 'eu-west ✓', limit: 3, note: 'none' };
        expect(JSON.parse(String(textOf(await client.call(name('header_params'), args))))).toEqual(args);
      },
    },
    content('gets text', 'text', (block) => expect(block).toMatchObject({ text: 'Every type of content' })),
    content('gets an image', 'image', (block) =>
      expect(block).toMatchObject({ mimeType: 'image/png', data: expect.stringMatching(/^iVBOR/) }),
    ),
    content('gets a sound', 'audio', (block) =>
      expect(block).toMatchObject({ mimeType: 'audio/wav', data: expect.stringMatching(/^UklGR/) }),
    ),
    content('gets an embedded resource', 'resource', (block, { uri }) =>
      expect(block).toMatchObject({ resource: { uri: uri('test://embedded-resource'), text: expect.any(String) } }),
    ),
    content('gets a link to a resource, and can read what it leads to', 'resource_link', async (block, { client }) => {
      const [read] = await client.read(block['uri'] as string);
      expect(read).toMatchObject({ text: 'This is the content of the static text resource.' });
    }),
    {
      name: 'gets structured content',
      async run({ client, name }) {
        expect((await client.call(name('add'), { a: 2, b: 3 })).structuredContent).toEqual({ sum: 5 });
      },
    },
    {
      name: 'gets a large answer whole',
      async run({ client, name }) {
        const text = textOf(await client.call(name('large'), { characters: 300_000 }));
        expect(text).toBe('x'.repeat(300_000));
      },
    },
  ],
};
