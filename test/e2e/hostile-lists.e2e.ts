/** @runs-alone */
/** Lists come from all servers at once: a bad one costs its own entries and a warning, never more. */
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import {
  BEHAVIOURS,
  startHostileServer,
  type HostileServer,
  type HostileServerOptions,
} from '#lib/testing/hostile-server';
import { scaleDeadline, scaledDuration } from '#lib/testing/machine-speed';
import { CLIENT_TRANSPORTS, rawClient, type ClientTransport, type RawAnswer } from '#lib/testing/raw-client';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { errorOf } from '../support/verdict.js';

const closing: { close(): Promise<void> }[] = [];
const closeAll = async (): Promise<void> => {
  for (const each of closing.splice(0).toReversed()) await each.close();
};

afterEach(closeAll);
afterAll(closeAll);

async function start(options: HostileServerOptions): Promise<HostileServer> {
  const server = await startHostileServer(options);
  closing.push(server);
  return server;
}

/** Long enough for a server that answers, on this machine. */
const TIMEOUTS = { connect: scaledDuration(1_000), request: scaledDuration(1_000) };
/** How long a list waits for its slowest server: for good servers always long enough. */
const PATIENCE = { ISTHMUS_LIST_PATIENCE: scaledDuration(3_000) };

const entry = ({ url }: HostileServer): JsonObject => ({
  transport: 'http',
  url,
  timeouts: TIMEOUTS,
});

async function gatewayBefore(
  servers: Record<string, JsonObject>,
  env: Record<string, string> = PATIENCE,
): Promise<TestGateway> {
  const gateway = await startGateway({ servers, env });
  closing.push(gateway);
  return gateway;
}

async function listTools(gateway: TestGateway, transport: ClientTransport, cursor?: string): Promise<RawAnswer> {
  const client = rawClient(transport, gateway.url, { token: await gateway.token() });
  try {
    await client.connect();
    return await client.request('tools/list', cursor === undefined ? {} : { cursor });
  } finally {
    await client.close();
  }
}

const resultOf = (answer: RawAnswer): JsonObject => answer.answers[0]?.['result'] as JsonObject;

const namesIn = (answer: RawAnswer): string[] =>
  (resultOf(answer)['tools'] as { name: string }[]).map(({ name }) => name);

const warningsIn = (answer: RawAnswer): { server: string; message: string }[] =>
  ((resultOf(answer)['_meta'] as JsonObject | undefined)?.['isthmus/warnings'] ?? []) as never;

const DEAD: JsonObject = {
  transport: 'http',
  url: 'http://127.0.0.1:1/mcp',
  timeouts: TIMEOUTS,
};

const ILL: readonly [string, HostileServerOptions['misbehave'] & object][] = [
  ['answers its list with HTML', { 'tools/list': 'http-502-html' }],
  ['answers its list with null', { 'tools/list': 'body-null' }],
  ['answers its list with an error', { 'tools/list': 'plain-error' }],
  ['never answers its list', { 'tools/list': 'silence' }],
  ['answers with a result that holds no list', { 'tools/list': 'good' }],
  ['refuses the handshake', { initialize: 'http-401-detail' }],
];

async function expectTheOthers(middle: JsonObject): Promise<void> {
  const [first, last] = [
    await start({ era: 'modern', transport: 'http' }),
    await start({ era: 'legacy', transport: 'http' }),
  ];
  const gateway = await gatewayBefore({ zebra: entry(first), middle, ant: entry(last) });
  const names = ['zebra', 'ant'].flatMap((slug) => BEHAVIOURS.map(({ name }) => `${slug}__${name}`));
  const answers = await Promise.all(CLIENT_TRANSPORTS.map((transport) => listTools(gateway, transport)));
  for (const answer of answers) {
    expect(namesIn(answer)).toEqual(names);
    expect(warningsIn(answer)).toEqual([
      expect.objectContaining({ server: 'middle', message: expect.stringMatching(/\w/) }),
    ]);
    expect(JSON.stringify(warningsIn(answer))).not.toContain('127.0.0.1');
  }
}

describe('the list of three servers', () => {
  it('is whole and in the order of the configuration while one of them is down', async () => {
    await expectTheOthers(DEAD);
  });

  it.each(ILL)('is whole while one of them %s', async (_what, misbehave) => {
    const ill = await start({ era: 'legacy', transport: 'http', misbehave });
    await expectTheOthers(entry(ill));
  });

  it('waits for a silent server once, not each time', async () => {
    const [good, silent] = [
      await start({ era: 'modern', transport: 'http' }),
      await start({ era: 'legacy', transport: 'http', misbehave: { 'tools/list': 'silence' } }),
    ];
    const servers = { good: entry(good), silent: { transport: 'http', url: silent.url } };
    const gateway = await gatewayBefore(servers, { ISTHMUS_LIST_PATIENCE: scaledDuration(1_000) });
    await listTools(gateway, 'rpc');
    const before = performance.now();
    for (let round = 0; round < 5; round += 1) {
      const answer = await listTools(gateway, 'rpc');
      expect(namesIn(answer)).toHaveLength(BEHAVIOURS.length);
      expect(warningsIn(answer)).toHaveLength(1);
    }
    // Five times a second, if it waited each time.
    expect(performance.now() - before).toBeLessThan(scaleDeadline(2_500));
  });

  it('is an error, not an empty success, when all of them are down', async () => {
    const gateway = await gatewayBefore({ one: DEAD, two: DEAD, three: DEAD });
    for (const transport of CLIENT_TRANSPORTS) {
      const answer = await listTools(gateway, transport);
      expect(answer.answers).toHaveLength(1);
      expect(answer.answers[0]?.['result']).toBeUndefined();
      expect(errorOf(answer).code).toBe(-31004);
      expect(errorOf(answer).data).toMatchObject({ outcome: 'not_executed', retriable: true });
    }
  });
});
