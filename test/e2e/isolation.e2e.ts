import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CLIENT_TRANSPORTS, rawClient, type ClientTransport, type RawClient } from '#lib/testing/raw-client';
import type { JsonObject } from '#lib/mcp-protocol';
import { startGateway, type TestGateway } from '../support/gateway.js';

/** A server in a child process that keeps in its memory what its callers did. It answers its process id and notes. */
const SCRIPT = `
  const [era] = process.argv.slice(1);
  const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
  const capabilities = { tools: {}, tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } },
    extensions: { 'io.modelcontextprotocol/tasks': {} } };
  const notes = [];
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line);
    if (id === undefined) return;
    const resultType = era === 'modern' ? { resultType: 'complete' } : {};
    const error = (code) => say({ id, error: { code, message: 'refused' } });
    const answer = (result) => say({ id, result: { ...resultType, ...result } });
    if (era === 'modern' && method === 'server/discover')
      return answer({ supportedVersions: ['2026-07-28'], capabilities, ttlMs: 60000, cacheScope: 'public' });
    if (era === 'legacy' && method === 'initialize')
      return answer({ protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'notes', version: '1' } });
    if (method === 'tools/list')
      return answer({ tools: [{ name: 'note', inputSchema: { type: 'object' } }, ...notes.map((name) => ({ name, inputSchema: { type: 'object' } }))], ttlMs: 60000, cacheScope: 'public' });
    if (method === 'tools/call') {
      notes.push(params.arguments.text);
      return answer({ content: [{ type: 'text', text: JSON.stringify({ pid: process.pid, notes }) }] });
    }
    if (method === 'acme/notes') return answer({ notes });
    error(-32601);
  });
`;

const childOf = (era: string, more: object = {}) => ({
  transport: 'stdio',
  command: process.execPath,
  args: ['-e', SCRIPT, era],
  ...more,
});

const NAMES: Readonly<Record<ClientTransport, string>> = {
  legacy: 'streamable HTTP with a session',
  modern: 'stateless streamable HTTP',
  sse: 'HTTP+SSE',
  rpc: 'plain JSON-RPC',
};

interface Noted {
  readonly pid: number;
  readonly notes: readonly string[];
}

describe('a server in a child process', () => {
  let gateway: TestGateway;
  const clients: RawClient[] = [];

  beforeAll(async () => {
    const combinations = CLIENT_TRANSPORTS.flatMap((transport) =>
      ['legacy', 'modern'].map((era) => ({ transport, era })),
    );
    const servers = combinations.flatMap(({ transport, era }) => [
      [`own-${transport}-${era}`, childOf(era)],
      [`all-${transport}-${era}`, childOf(era, { isolation: 'none' })],
      [`session-${transport}-${era}`, childOf(era, { isolation: 'session' })],
    ]);
    gateway = await startGateway({ servers: Object.fromEntries(servers) });
  });

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await gateway.close();
  });

  async function connect(transport: ClientTransport, slug: string, subject: string) {
    const client = rawClient(transport, `${gateway.url}/servers/${slug}`, { token: await gateway.token({ subject }) });
    clients.push(client);
    await client.connect();
    const answerOf = async (method: string, params: JsonObject = {}) =>
      (await client.request(method, params)).answers[0] as {
        result?: { content?: { text: string }[]; tools?: { name: string }[] };
        error?: { code: number };
      };
    const note = async (text: string): Promise<Noted> => {
      const { result, error } = await answerOf('tools/call', { name: 'note', arguments: { text } });
      return JSON.parse(result?.content?.[0]?.text ?? JSON.stringify(error)) as Noted;
    };
    const tools = async () => (await answerOf('tools/list')).result?.tools?.map(({ name }) => name);
    return { note, tools, answerOf };
  }

  const cases = CLIENT_TRANSPORTS.flatMap((transport) =>
    (['legacy', 'modern'] as const).map((era) => ({ transport, era, over: NAMES[transport] })),
  );

  it.each(cases)('shows no principal what another one did there: $era, over $over', async ({ transport, era }) => {
    const slug = `own-${transport}-${era}`;
    const [ada, bob] = [await connect(transport, slug, 'ada'), await connect(transport, slug, 'bob')];
    const first = await ada.note('of-ada');
    expect(await ada.tools()).toEqual(['note', 'of-ada']);
    expect(await bob.tools()).toEqual(['note']);
    const second = await bob.note('of-bob');
    expect([first.notes, second.notes]).toEqual([['of-ada'], ['of-bob']]);
    expect(second.pid).not.toBe(first.pid);
    expect(await ada.note('again')).toEqual({ pid: first.pid, notes: ['of-ada', 'again'] });
    for (const method of ['acme/notes', 'tasks/list', 'tasks/get'])
      expect((await ada.answerOf(method)).error?.code).toBe(-32601);
  });

  it.each(cases)('shows no session what another one did if its entry says so: $era, over $over', async (which) => {
    const { transport, era } = which;
    const slug = `session-${transport}-${era}`;
    const [one, other] = [await connect(transport, slug, 'ada'), await connect(transport, slug, 'ada')];
    const [first, second] = [await one.note('of-one'), await other.note('of-other')];
    expect([first.notes, second.notes]).toEqual([['of-one'], ['of-other']]);
    expect(second.pid).not.toBe(first.pid);
    const again = await one.note('again');
    // A client without a session has nothing that could connect two of its calls.
    const hasSession = transport === 'legacy' || transport === 'sse';
    expect(again.notes).toEqual(hasSession ? ['of-one', 'again'] : ['again']);
    expect(again.pid === first.pid).toBe(hasSession);
  });

  it.each(cases)('serves all principals if its entry says so: $era, over $over', async ({ transport, era }) => {
    const slug = `all-${transport}-${era}`;
    const [ada, bob] = [await connect(transport, slug, 'ada'), await connect(transport, slug, 'bob')];
    const first = await ada.note('of-ada');
    expect(await bob.note('of-bob')).toEqual({ pid: first.pid, notes: ['of-ada', 'of-bob'] });
  });
});
