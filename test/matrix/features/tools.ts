import { expect } from 'expect';
import { textOf } from '../../support/sdk-client.js';
import type { Cell, Feature, FeatureGroup, Check } from '../feature.js';

type Block = Readonly<Record<string, unknown>>;

/** Calls a tool whose result has a block of each type, and returns the block that matches. */
async function findBlock(cell: Cell, matches: (block: Block) => boolean): Promise<Block> {
  const { content } = await cell.client.call(cell.name('all_content'));
  return content.find(matches) ?? {};
}

const content = (name: string, type: string, judge: (block: Block, cell: Cell) => unknown): Feature => ({
  name,
  run: async (cell) => void (await judge(await findBlock(cell, (block) => block['type'] === type), cell)),
});

/** Content of a type that is newer than the client's revision: the gateway converts it to an older type. */
const since = (revision: string, feature: Feature, reason: string, run: Check): Feature => ({
  ...feature,
  limitation: ({ clientKind }) => (clientKind.revision < revision ? { reason, run } : undefined),
});

const resourceOf = (block: Block) => (block['resource'] ?? {}) as Block;

const sound = since(
  '2025-03-26',
  content('receives audio content', 'audio', (block) =>
    expect(block).toMatchObject({ mimeType: 'audio/wav', data: expect.stringMatching(/^UklGR/) }),
  ),
  'Revision 2024-11-05 has no audio content: the audio arrives as an embedded resource.',
  async (cell) => {
    const block = await findBlock(cell, (each) => resourceOf(each)['mimeType'] === 'audio/wav');
    expect(block).toMatchObject({ type: 'resource', resource: { blob: expect.stringMatching(/^UklGR/) } });
  },
);

async function readsStaticText({ client }: Cell, uri: string): Promise<void> {
  const [read] = await client.read(uri);
  expect(read).toMatchObject({ text: 'This is the content of the static text resource.' });
}

const link = since(
  '2025-06-18',
  content('receives a resource link and reads the linked resource', 'resource_link', (block, cell) =>
    readsStaticText(cell, block['uri'] as string),
  ),
  'Revision 2024-11-05 has no resource links: name and URI arrive as text, and the client can read the URI.',
  async (cell) => {
    const uri = cell.uri('test://static-text');
    const block = await findBlock(cell, ({ text }) => typeof text === 'string' && text.includes(uri));
    expect(block).toMatchObject({ type: 'text', text: expect.stringContaining('static-text') });
    await readsStaticText(cell, uri);
  },
);

const embedded: Feature = {
  name: 'receives an embedded resource',
  async run(cell) {
    const uri = cell.uri('test://embedded-resource');
    const block = await findBlock(cell, (each) => resourceOf(each)['uri'] === uri);
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
    { name: 'lists tools with the unchanged schemas of the server', run: listsTools },
    {
      name: 'calls a tool',
      async run({ client, name }) {
        expect(textOf(await client.call(name('echo'), { text: 'hello ✓' }))).toBe('hello ✓');
      },
    },
    {
      name: 'calls tools concurrently, and each call receives its own result',
      async run({ client, name }) {
        const texts = Array.from({ length: 10 }, (_, index) => `text ${index}`);
        const answers = await Promise.all(texts.map((text) => client.call(name('echo'), { text })));
        expect(answers.map(textOf)).toEqual(texts);
      },
    },
    {
      name: 'calls a tool whose parameters are mirrored in headers',
      async run({ client, name }) {
        const args = { region: 'eu-west ✓', limit: 3, note: 'none' };
        expect(JSON.parse(String(textOf(await client.call(name('header_params'), args))))).toEqual(args);
      },
    },
    content('receives text content', 'text', (block) => expect(block).toMatchObject({ text: 'Every type of content' })),
    content('receives image content', 'image', (block) =>
      expect(block).toMatchObject({ mimeType: 'image/png', data: expect.stringMatching(/^iVBOR/) }),
    ),
    sound,
    embedded,
    link,
    {
      name: 'receives structured content',
      async run({ client, name }) {
        expect((await client.call(name('add'), { a: 2, b: 3 })).structuredContent).toEqual({ sum: 5 });
      },
    },
    {
      name: 'receives a large result completely',
      async run({ client, name }) {
        const text = textOf(await client.call(name('large'), { characters: 300_000 }));
        expect(text).toBe('x'.repeat(300_000));
      },
    },
  ],
};
