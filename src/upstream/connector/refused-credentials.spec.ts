import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { UpstreamCredentials, type Credentials } from '#lib/extension-kit';
import { callerOf } from '../../../test/support/fake-upstream.js';
import type { RemoteServer, ServerDefinition } from '../../registry/index.js';
import { CredentialSource } from '../credentials/index.js';
import {
  CLIENT_WITHOUT_CAPABILITIES,
  ConnectorHarness,
  httpServer,
  NEVER,
  RecordedReply,
  stdioServer,
  toolCall,
  toResultText,
} from './connector-fixture.js';
import {
  answerDiscovery,
  answerLegacyHandshake,
  startScriptedServer,
  type ReceivedRequest,
  type ScriptedServer,
} from './scripted-server.js';

/** Tokens `token-1`, `token-2`, …, of which the server accepts one. */
class Tokens extends UpstreamCredentials {
  issued = 0;
  fault: Error | undefined;
  isConstant = false;
  override async credentialsFor(): Promise<Credentials> {
    if (this.fault) throw this.fault;
    this.issued += 1;
    const token = this.isConstant ? 'token-1' : `token-${this.issued}`;
    return { headers: { authorization: `Bearer ${token}` }, env: { ACME_TOKEN: token } };
  }
}

/** The server accepts every token. */
const ANY = '*';

let accepted: string;
let ran: unknown[];
let received: unknown[];
let answer: (visit: ReceivedRequest) => boolean;
let server: ScriptedServer;
let bench: ConnectorHarness;
let tokens: Tokens;

beforeEach(async () => {
  accepted = 'token-1';
  ran = [];
  received = [];
  answer = answerDiscovery;
  tokens = new Tokens();
  bench = new ConnectorHarness();
  server = await startScriptedServer((visit) => {
    const { authorization } = visit.headers;
    received.push(authorization);
    if (accepted !== ANY && authorization !== `Bearer ${accepted}`)
      return void visit.response.writeHead(401).end(`refused ${String(authorization)}`);
    if (answer(visit)) return;
    ran.push(visit.message['method']);
    visit.result({ resultType: 'complete', content: [{ type: 'text', text: accepted }] });
  });
});
afterEach(async () => {
  await bench.close();
  await server.close();
});

async function open(definition: ServerDefinition, account = 'ada') {
  const credentials = await new CredentialSource(tokens).obtain(definition, account, callerOf('ada'));
  return bench.open(definition, CLIENT_WITHOUT_CAPABILITIES, { credentials });
}
const entry = (more: Partial<RemoteServer> = {}) =>
  httpServer(server.url, { headers: { Authorization: 'Bearer of-the-entry' }, ...more });
const call = async (connection: Awaited<ReturnType<typeof open>>) =>
  connection.request(toolCall('any'), new RecordedReply(), NEVER);

const LEGACY = (visit: ReceivedRequest) => answerLegacyHandshake(visit);

describe('refused credentials', () => {
  it.each([
    ['modern', answerDiscovery],
    ['legacy', LEGACY],
  ])('are renewed once, and the call runs once, in the %s era', async (_, dialect) => {
    answer = dialect;
    const connection = await open(entry());
    accepted = 'token-2';
    expect(toResultText(await call(connection))).toBe('token-2');
    expect(toResultText(await call(connection))).toBe('token-2');
    expect([ran, tokens.issued]).toEqual([['tools/call', 'tools/call'], 2]);
  });

  it('keep the session of a legacy server', async () => {
    answer = LEGACY;
    const connection = await open(entry());
    accepted = 'token-2';
    await call(connection);
    const handshakes = server.requests.filter(({ message }) => message['method'] === 'initialize');
    expect(handshakes).toHaveLength(1);
    expect(server.requests.at(-1)?.headers['mcp-session-id']).toBe('s1');
  });

  it('are renewed during the handshake', async () => {
    accepted = 'token-2';
    expect(toResultText(await call(await open(entry())))).toBe('token-2');
  });

  it('are renewed once for concurrent calls', async () => {
    const connection = await open(entry());
    accepted = 'token-2';
    const outcomes = await Promise.all([call(connection), call(connection), call(connection)]);
    expect(outcomes.map(toResultText)).toEqual(['token-2', 'token-2', 'token-2']);
    expect([ran.length, tokens.issued]).toEqual([3, 2]);
  });

  it('fail the call as not executed when the new ones are refused, too, without repeating them', async () => {
    const connection = await open(entry());
    accepted = 'another';
    const outcome = await call(connection);
    expect(outcome).toMatchObject({ kind: 'error', error: { data: { outcome: 'not_executed' } } });
    expect(JSON.stringify(outcome)).not.toContain('token-2');
    expect([ran, tokens.issued]).toEqual([[], 2]);
  });

  it('fail the call as not executed, and name the strategy, when it has no new ones', async () => {
    const connection = await open(entry());
    accepted = 'token-2';
    tokens.fault = new Error('token-2 of ada');
    const outcome = await call(connection);
    expect(outcome).toMatchObject({ kind: 'error', error: { data: { outcome: 'not_executed', retriable: true } } });
    expect(JSON.stringify(outcome)).toContain('The credentials strategy Tokens failed');
    expect(JSON.stringify(outcome)).not.toContain('of ada');
  });
});

describe('a request whose credentials are refused', () => {
  it('is not repeated with the same ones', async () => {
    tokens.isConstant = true;
    const connection = await open(entry());
    [accepted, received] = ['another', []];
    const outcome = await call(connection);
    expect(outcome).toMatchObject({ kind: 'error', error: { data: { outcome: 'not_executed' } } });
    expect([received, tokens.issued]).toEqual([['Bearer token-1'], 2]);
  });

  it.each([
    [
      'is not repeated when it changes something at a REST API, and the next one has new ones',
      'POST',
      ['1'],
      ['1', '2'],
    ],
    ['is repeated when it only reads from a REST API', 'GET', ['1', '2'], ['1', '2', '2']],
  ] as const)('%s', async (_, method, first, both) => {
    const tool = { name: 'any', method, path: '/any', inputSchema: { type: 'object' } };
    const { slug, enabled, allowUnknownMethods, tasks, timeouts, url } = entry();
    const common = { slug, enabled, allowUnknownMethods, tasks, timeouts, url };
    const connection = await open({ ...common, public: false, transport: 'rest', headers: {}, tools: [tool] });
    accepted = 'token-2';
    const toTokens = (numbers: readonly string[]) => numbers.map((number) => `Bearer token-${number}`);
    await call(connection);
    expect(received).toEqual(toTokens(first));
    // The renewal began with the answer.
    await setImmediate();
    await call(connection);
    expect(received).toEqual(toTokens(both));
  });
});

describe('credentials of callers', () => {
  it('replace the header of the entry, and do not change those of another connection', async () => {
    accepted = ANY;
    const connections = [await open(entry(), 'ada'), await open(entry(), 'bob')];
    for (const connection of [...connections, ...connections]) await call(connection);
    const calls = server.requests.filter(({ message }) => message['method'] === 'tools/call');
    const [ada, bob] = ['Bearer token-1', 'Bearer token-2'];
    expect(calls.map(({ headers }) => headers.authorization)).toEqual([ada, bob, ada, bob]);
  });

  it('are variables of a process of their own, also of one that a probe has started', async () => {
    const script = [
      "require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {",
      '  const { id, method } = JSON.parse(line);',
      '  if (id === undefined) return;',
      "  const result = method === 'initialize'",
      "    ? { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'child', version: '1' } }",
      "    : { content: [{ type: 'text', text: process.env.ACME_TOKEN }] };",
      "  const error = { code: -32601, message: 'Method not found' };",
      "  const answer = method === 'server/discover' ? { error } : { result };",
      "  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...answer }) + '\\n');",
      '});',
    ].join('\n');
    const child = stdioServer(process.execPath, ['-e', script]);
    const obtain = (account: string) => new CredentialSource(tokens).obtain(child, account, callerOf(account));
    const [ada, bob] = [await obtain('ada'), await obtain('bob')];
    const attempt = { signal: NEVER, credentials: ada };
    await bench.connector.resolveEra(child, CLIENT_WITHOUT_CAPABILITIES, attempt);
    const texts: unknown[] = [];
    for (const credentials of [bob, ada]) {
      const connection = await bench.open(child, CLIENT_WITHOUT_CAPABILITIES, { credentials });
      texts.push(toResultText(await call(connection)));
    }
    expect(texts).toEqual(['token-2', 'token-1']);
  });
});
