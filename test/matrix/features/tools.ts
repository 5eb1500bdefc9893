import { expect } from 'expect';
import { textOf } from '../../support/sdk-client.js';
import type { Cell, Feature, FeatureGroup, Judge } from '../feature.js';

type Block = Readonly<Record<string, unknown>>;

/** One block of an answer that has one of each type. */
async function blockWhere(cell: Cell, isIt: (block: Block) => boolean): Promise<Block> {
  const { content } = await cell.client.call(cell.name('all_content'));
  return content.find(isIt) ?? {};
}

const content = (name: string, type: string, judge: (block: Block, cell: Cell) => unknown): Feature => ({
  name,
  run: async (cell) => void (await judge(await blockWhere(cell, (block) => block['type'] === type), cell)),
});

/** A type of content that came later than the client: it is told in other words. */
const since = (revision: string, feature: Feature, why: string, run: Judge): Feature => ({
  ...feature,
  instead: ({ clientKind }) => (clientKind.revision < revision ? { why, run } : undefined),
});

const resourceOf = (block: Block) => (block['resource'] ?? {}) as Block;

const sound = since(
  '2025-03-26',
  content('gets a sound', 'audio', (block) =>
    expect(block).toMatchObject({ mimeType: 'audio/wav', data: expect.stringMatching(/^UklGR/) }),
  ),
  'Revision 2024-11-05 has no sound among its types of content: it arrives whole, as an embedded resource.',
  async (cell) => {
    const block = await blockWhere(cell, (each) => resourceOf(each)['mimeType'] === 'audio/wav');
    expect(block).toMatchObject({ type: 'resource', resource: { blob: expect.stringMatching(/^UklGR/) } });
  },
);

async function readsStaticText({ client }: Cell, uri: string): Promise<void> {
  const [read] = await client.read(uri);
  expect(read).toMatchObject({ text: 'This is the content of the static text resource.' });
}

const link = since(
  '2025-06-18',
  content('gets a link to a resource, and can read what it leads to', 'resource_link', (block, cell) =>
    readsStaticText(cell, block['uri'] as string),
  ),
  'Revision 2024-11-05 has no links among its types of content: name and URI arrive as text, and can be read.',
  async (cell) => {
    const uri = cell.uri('test://static-text');
    const block = await blockWhere(cell, ({ text }) => typeof text === 'string' && text.includes(uri));
    expect(block).toMatchObject({ type: 'text', text: expect.stringContaining('static-text') });
    await readsStaticText(cell, uri);
  },
);

const embedded: Feature = {
  name: 'gets an embedded resource',
  async run(cell) {
    const uri = cell.uri('test://embedded-resource');
    const block = await blockWhere(cell, (each) => resourceOf(each)['uri'] === uri);
    expect(block).toMatchObject({ type: 'resource', resource: { mimeType: 'text/plain', text: expect.any(String) } });
  },
};

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
    sound,
    embedded,
    link,
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
