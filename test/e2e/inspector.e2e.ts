import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { inspect, type InspectorOptions } from '../support/inspector.js';

const WAYS: readonly Pick<InspectorOptions, 'transport' | 'era'>[] = [
  { transport: 'http', era: 'legacy' },
  { transport: 'http', era: 'auto' },
  { transport: 'http', era: 'modern' },
  { transport: 'sse', era: 'legacy' },
];

let servers: Record<'old' | 'young', ReferenceServer>;
let gateway: TestGateway;
let token: string;
let home: string;

beforeAll(async () => {
  servers = {
    old: await startReferenceServer({ era: 'legacy', transport: 'http' }),
    young: await startReferenceServer({ era: 'modern', transport: 'http' }),
  };
  const entries = Object.entries(servers).map(([slug, { url }]) => [slug, { transport: 'http', url }]);
  gateway = await startGateway({ servers: Object.fromEntries(entries) });
  token = await gateway.token();
  home = await mkdtemp(join(tmpdir(), 'isthmus-inspector-'));
});

afterAll(async () => {
  await gateway.close();
  await Promise.all(Object.values(servers).map((server) => server.close()));
  await rm(home, { recursive: true });
});

describe.each(WAYS)("the Inspector's command line over $transport, $era", (way) => {
  const ask = (base: string, ...asked: string[]) => {
    const url = `${gateway.url}${base}/${way.transport === 'sse' ? 'sse' : 'mcp'}`;
    return inspect({ ...way, url, token, home, methodArgs: asked });
  };

  it('lists items at the default endpoint', async () => {
    const names = ['old__add', 'young__add'].map((name) => expect.objectContaining({ name }));
    const listed = await ask('', '--method', 'tools/list');
    expect(listed).toMatchObject({ result: { tools: expect.arrayContaining(names) } });
  });

  it.each([
    { base: '', name: 'young__add' },
    { base: '/servers/old', name: 'add' },
  ])('calls $name', async ({ base, name }) => {
    const call = ['--method', 'tools/call', '--tool-name', name, '--tool-args-json', '{"a":19,"b":23}'];
    expect(await ask(base, ...call)).toMatchObject({ result: { structuredContent: { sum: 42 } } });
  });

  it('reads a resource and gets a prompt', async () => {
    const [read, said] = await Promise.all([
      ask('/servers/young', '--method', 'resources/read', '--uri', 'test://static-text'),
      ask('', '--method', 'prompts/get', '--prompt-name', 'old__test_simple_prompt'),
    ]);
    expect(read).toMatchObject({ result: { contents: [{ uri: 'test://static-text' }] } });
    expect(said).toMatchObject({ result: { messages: [{ content: { type: 'text' } }] } });
  });
});

describe("the Inspector's command line without a token", () => {
  it('reports that it needs a token', async () => {
    const way = { url: `${gateway.url}/mcp`, transport: 'http', era: 'legacy' } as const;
    const refused = await inspect({ ...way, home, methodArgs: ['--method', 'tools/list'] });
    expect(refused).toMatchObject({ error: { code: 'auth_required' } });
  });
});
