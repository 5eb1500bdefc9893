import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CLIENT_TRANSPORTS, rawClient, type ClientTransport } from '#lib/testing/raw-client';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { slowServer, type StdioServerName } from '../support/slow-servers.js';

/*
 * All servers start, and all clients call, concurrently, so the tests share one wait of twelve seconds. They prove that the
 * first call works with servers that take longer to start than `ISTHMUS_UPSTREAM_PROBE_TIMEOUT`, as with `npx`, `uvx` and
 * `docker run`. The servers are real programs, because the first messages that a program reads decide its era.
 */

const SECONDS = [2, 4, 12] as const;
const SERVERS = [
  'SDK v1',
  'SDK v2, both eras',
  'a loop that refuses unknown methods',
  'a loop that ignores unknown methods',
] as const;

const TRANSPORT_NAMES: Readonly<Record<ClientTransport, string>> = {
  legacy: 'streamable HTTP with a session',
  modern: 'stateless streamable HTTP',
  sse: 'HTTP+SSE',
  rpc: 'plain JSON-RPC',
};

interface Way {
  readonly transport: ClientTransport;
  readonly over: string;
  readonly endpoint: 'the default endpoint' | 'the endpoint of the server';
}

interface SlowServer {
  readonly slug: string;
  readonly name: StdioServerName;
  readonly seconds: number;
}

const waysOf = (endpoint: Way['endpoint']): Way[] =>
  CLIENT_TRANSPORTS.map((transport) => ({ transport, over: TRANSPORT_NAMES[transport], endpoint }));
const DEFAULT = waysOf('the default endpoint');
const TRANSPARENT = waysOf('the endpoint of the server');

/** A separate server for each combination of transport and endpoint, so that each of them makes the first call. */
const alone = (ways: readonly Way[]) =>
  SERVERS.flatMap((name, row) =>
    ways.map((way, column): SlowServer & Way => {
      const seconds = SECONDS[(row + column) % SECONDS.length]!;
      return { slug: `s${row}-${way.transport}`, name, seconds, ...way };
    }),
  );
const ALONE = [...alone(DEFAULT), ...alone(TRANSPARENT)];

const SHARED: readonly SlowServer[] = [
  ...SERVERS.flatMap((name) => SECONDS.map((seconds): Omit<SlowServer, 'slug'> => ({ name, seconds }))),
  { name: 'SDK v2, modern era only', seconds: 4 } as const,
  { name: 'a loop that ends at unknown methods', seconds: 4 } as const,
].map((server, index) => ({ slug: `s${index}`, ...server }));

const TEN_CALLS = Array.from({ length: 10 }, (_, index) => `call ${index + 1}`);

/** Ten calls of `echo` in a row: the returned texts or errors. A client waits a minute, as the SDKs do. */
async function tenCalls(gateway: TestGateway, { transport, endpoint }: Way, slug: string, subject: string) {
  const isDefault = endpoint === 'the default endpoint';
  const base = isDefault ? gateway.url : `${gateway.url}/servers/${slug}`;
  const client = rawClient(transport, base, { token: await gateway.token({ subject }) });
  const texts: unknown[] = [];
  try {
    await client.connect();
    for (const text of TEN_CALLS) {
      const name = isDefault ? `${slug}__echo` : 'echo';
      const { answers, body } = await client.request('tools/call', { name, arguments: { text } });
      const answer = answers[0] as { result?: { content?: { text?: string }[] } } | undefined;
      texts.push(answer?.result?.content?.[0]?.text ?? JSON.stringify(answer ?? body));
    }
  } catch (cause) {
    texts.push(String(cause));
  } finally {
    await client.close();
  }
  return texts;
}

const definitionsOf = (servers: readonly SlowServer[]) =>
  Object.fromEntries(servers.map(({ slug, name, seconds }) => [slug, slowServer(name, seconds)]));

describe('a stdio server that starts slowly', () => {
  const gateways: TestGateway[] = [];
  const conversations = new Map<object, Promise<unknown>>();

  beforeAll(async () => {
    for (const servers of [alone(DEFAULT), alone(TRANSPARENT), SHARED])
      gateways.push(await startGateway({ servers: definitionsOf(servers) }));
    const [ofDefault, ofTransparent, ofShared] = gateways as [TestGateway, TestGateway, TestGateway];
    for (const cell of ALONE) {
      const gateway = cell.endpoint === 'the default endpoint' ? ofDefault : ofTransparent;
      conversations.set(cell, tenCalls(gateway, cell, cell.slug, 'tester'));
    }
    for (const server of SHARED) {
      const all = [...DEFAULT, ...TRANSPARENT].map((way) => {
        // A second principal gets its own process of a legacy server, which would take twelve seconds more.
        const subject = way.endpoint === 'the default endpoint' || server.seconds === 12 ? 'first' : 'second';
        return tenCalls(ofShared, way, server.slug, subject);
      });
      conversations.set(server, Promise.all(all));
    }
  });

  afterAll(async () => {
    await Promise.all(conversations.values());
    await Promise.all(gateways.map((gateway) => gateway.close()));
  });

  it.each(ALONE)(
    'answers ten calls in a row of its only caller, over $over at $endpoint: $name, started after $seconds s',
    async (cell) => expect(await conversations.get(cell)).toEqual(TEN_CALLS),
  );

  it.each(SHARED)(
    'answers ten calls in a row of eight clients at once, over every transport at both endpoints: $name, started after $seconds s',
    async (server) => expect(await conversations.get(server)).toEqual(Array.from({ length: 8 }, () => TEN_CALLS)),
  );
});
