/** @waits */
/** A misbehaving server causes the same answer at every worker: the same bytes, and never a success. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  behavioursOf,
  CARRIERS,
  arrivalsOf,
  expectationOf,
  hostileCommand,
  startHostileServer,
  stdioRuns,
  type Behaviour,
  type Carrier,
  type HostileServer,
} from '#lib/testing/hostile-server';
import { GatewayCode, isRpcError, type JsonObject } from '#lib/mcp-protocol';
import type { RawAnswer, RawClient } from '#lib/testing/raw-client';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { toMisbehaviour } from '../support/behaviour-title.js';
import { startCluster, type TestCluster } from '../support/cluster.js';
import { clientViaIngress, FORWARDED_TRANSPORTS, type ForwardedTransport } from '../support/forwarding-clients.js';
import { until } from '../support/until.js';
import { expectAnswer } from '../support/answer-checks.js';

const isChild = (carrier: Carrier): boolean => carrier.startsWith('stdio');

/**
 * All misbehaviours except those that only a timeout reveals, those that never end, and those that a child process does
 * not survive: until it has restarted no other call can be tested.
 */
function testableBehaviours(carrier: Carrier): Behaviour[] {
  return behavioursOf(carrier).filter(({ name, untilTimeout, endsSession }) => {
    const isMortal = isChild(carrier) && endsSession?.includes(carrier);
    return !isMortal && !untilTimeout?.includes(carrier) && !/endless|flood/.test(name);
  });
}

const CELLS = CARRIERS.flatMap((carrier) => FORWARDED_TRANSPORTS.map((transport) => ({ carrier, transport })));

/** The answers to the same call at the session owner and at the other worker. */
interface Pair {
  readonly local: RawAnswer;
  readonly forwarded: RawAnswer;
  readonly marks: readonly string[];
}

let redis: RunningRedis;
let servers: ReadonlyMap<Carrier, HostileServer>;
/** The files to which child processes append the calls that they ran. */
let folder: string;
let cluster: TestCluster;
const tried = new Map<string, ReadonlyMap<string, Pair>>();

beforeAll(async () => {
  redis = await startRedis();
  servers = new Map([
    ['legacy-http', await startHostileServer({ era: 'legacy', transport: 'http' })],
    ['modern-http', await startHostileServer({ era: 'modern', transport: 'http' })],
    ['sse', await startHostileServer({ era: 'legacy', transport: 'sse' })],
  ]);
  folder = await mkdtemp(join(tmpdir(), 'isthmus-hostile-'));
  cluster = await startCluster({
    workers: 2,
    redis: redis.url,
    servers: Object.fromEntries(CARRIERS.map((carrier) => [carrier, definitionOf(carrier)])),
    env: { ISTHMUS_UPSTREAM_MAX_MESSAGE: '1MiB' },
  });
  // Concurrently: most of the time passes in pauses before streams are resumed.
  const trying = CELLS.map(async ({ carrier, transport }) =>
    tried.set(carrier + transport, await callAll(carrier, transport)),
  );
  await Promise.all(trying);
});

afterAll(async () => {
  await cluster?.stop();
  await redis?.stop();
  for (const server of servers?.values() ?? []) await server.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

function definitionOf(carrier: Carrier): object {
  const url = servers.get(carrier)?.url;
  if (url !== undefined) return { transport: carrier === 'sse' ? 'sse' : 'http', url };
  const era = carrier === 'stdio-modern' ? 'modern' : 'legacy';
  return { transport: 'stdio', ...hostileCommand(era, join(folder, carrier)) };
}

/** The number of times that the call with this mark reached the server. */
function runs(carrier: Carrier, mark: string): number {
  return servers.get(carrier)?.counters.runs(mark) ?? stdioRuns(join(folder, carrier), mark);
}

/** Clients of one transport and one principal: at the owner itself, and at the other worker. */
class Couple {
  private clients: readonly RawClient[] = [];

  constructor(
    private readonly carrier: Carrier,
    private readonly transport: ForwardedTransport,
    private readonly token: string,
  ) {}

  async open(): Promise<void> {
    const [owner = '', other = ''] = cluster.workers.map(({ url }) => `${url}/servers/${this.carrier}`);
    const routes = [owner, other].map((ingressUrl) => ({ ownerUrl: owner, ingressUrl }));
    this.clients = routes.map((each) => clientViaIngress(this.transport, each, { token: this.token }));
    for (const client of this.clients) await client.connect();
  }

  async call(behaviour: Behaviour): Promise<Pair> {
    const { name, endsSession } = behaviour;
    const marks = this.clients.map(() => crypto.randomUUID());
    const ask = (client: RawClient, index: number) =>
      callUntilAccepted(client, { name, arguments: { call: marks[index] ?? '' } });
    const isSharing = this.transport === 'rpc' || this.transport === 'modern';
    const isLosing = endsSession?.includes(this.carrier) === true;
    // A rejected question belongs to this call only if no other call could have sent it.
    const isAsking = 'toModern' in expectationOf(behaviour, this.carrier);
    const mustTakeTurns = isSharing && (isLosing || isAsking);
    const [local, forwarded] = await (mustTakeTurns ? this.inTurn(ask) : Promise.all(this.clients.map(ask)));
    if (!local || !forwarded) throw new Error('Two clients give two answers');
    return { local, forwarded, marks };
  }

  /** Clients without own sessions share one at the server, so each gets a new session before the server forgets it. */
  private async inTurn(ask: (client: RawClient, index: number) => Promise<RawAnswer>): Promise<RawAnswer[]> {
    const answers: RawAnswer[] = [];
    for (const [index, client] of this.clients.entries()) {
      await recovered(client);
      answers.push(await ask(client, index));
    }
    await Promise.all(this.clients.map(recovered));
    return answers;
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
    expect(this.clients.flatMap(({ surplus }) => surplus)).toEqual([]);
  }
}

const MAX_REPETITIONS = 20;

/**
 * On a busy machine an owner may be too late to accept a call, which it then certainly has not run: the call is repeated
 * with the same mark, so that a test which counts its runs detects a false report.
 */
async function callUntilAccepted(client: RawClient, params: JsonObject): Promise<RawAnswer> {
  for (let left = MAX_REPETITIONS; ; left -= 1) {
    const answer = await client.request('tools/call', params);
    const error = answer.answers[0]?.['error'];
    if (left === 0 || !isRpcError(error) || error.code !== GatewayCode.ownerUnreachable) return answer;
    expect(error.data).toMatchObject({ outcome: 'not_executed', retriable: true });
  }
}

/** A worker rejects calls until it has learned that a shared session was lost at another worker; such calls have not run. */
function recovered(client: RawClient): Promise<void> {
  return until(async () => {
    const { answers } = await client.request('tools/call', { name: 'good', arguments: {} });
    return answers[0]?.['result'] !== undefined;
  });
}

async function callAll(carrier: Carrier, transport: ForwardedTransport): Promise<Map<string, Pair>> {
  // Each transport has its own upstream sessions, so that a lost session does not affect another transport.
  const token = await cluster.token({ subject: `${carrier}-${transport}` });
  const couple = new Couple(carrier, transport, token);
  await couple.open();
  const pairs = new Map<string, Pair>();
  for (const behaviour of testableBehaviours(carrier)) {
    pairs.set(behaviour.name, await couple.call(behaviour));
    if (!behaviour.endsSession?.includes(carrier)) continue;
    await couple.close();
    await couple.open();
  }
  await couple.close();
  return pairs;
}

/** Everything that a client sees except ids, which differ between requests: a forwarded call is named by its id on the bus. */
function bytesOf({ id, status, headers, body, answers }: RawAnswer) {
  const text = `${body}\n${JSON.stringify(answers)}`
    .replaceAll(`"id":${JSON.stringify(id)},`, '"id":"given",')
    .replaceAll(/"requestId":"[\w-]{22,36}"/g, '"requestId":"drawn"')
    // The position at which the gateway's request to the server is cut off depends on the length of its id.
    .replaceAll(/at character \d+/g, 'at some character');
  return { status, type: headers['content-type'], wwwAuthenticate: headers['www-authenticate'], text };
}

describe.each(CELLS)('a hostile server over $carrier, called over $transport', ({ carrier, transport }) => {
  it.each(testableBehaviours(carrier).map((behaviour) => [toMisbehaviour(behaviour), behaviour] as const))(
    'causes the same answer at both workers when it %s',
    (_title, behaviour) => {
      const { local, forwarded, marks } = tried.get(carrier + transport)?.get(behaviour.name) ?? {};
      if (!local || !forwarded) throw new Error('The behaviour was not tried.');
      for (const answer of [local, forwarded]) expectAnswer(answer, transport, expectationOf(behaviour, carrier));
      expect(bytesOf(forwarded)).toEqual(bytesOf(local));
      expect(marks?.map((mark) => runs(carrier, mark))).toEqual([1, 1].map(() => arrivalsOf(behaviour, carrier)));
    },
  );
});

it('both workers survive all misbehaviours of servers', () => {
  expect(cluster.workers.map(({ output }) => /Unhandled|\bat .+:\d+:\d+/.test(output))).toEqual([false, false]);
});
