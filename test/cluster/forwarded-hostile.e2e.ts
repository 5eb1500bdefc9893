/** @waits */
/** What a server does wrong means the same at every worker: the same bytes, and never a success. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  behavioursOf,
  CARRIERS,
  expectationOf,
  hostileCommand,
  startHostileServer,
  stdioRuns,
  type Behaviour,
  type Carrier,
  type HostileServer,
} from '#lib/testing/hostile-server';
import type { RawAnswer, RawClient } from '#lib/testing/raw-client';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startCluster, type TestCluster } from '../support/cluster.js';
import { clientAtOtherDoor, FORWARDED_TRANSPORTS, type ForwardedTransport } from '../support/other-door.js';
import { until } from '../support/until.js';
import { judge } from '../support/verdict.js';

const isChild = (carrier: Carrier): boolean => carrier.startsWith('stdio');

/**
 * All but what only a timeout reveals, what never ends, and what a child process does not survive: until it is started
 * again nothing else can be tried.
 */
function steadies(carrier: Carrier): Behaviour[] {
  return behavioursOf(carrier).filter(({ name, waits, ends }) => {
    const isMortal = isChild(carrier) && ends?.includes(carrier);
    return !isMortal && !waits?.includes(carrier) && !/endless|flood/.test(name);
  });
}

const CELLS = CARRIERS.flatMap((carrier) => FORWARDED_TRANSPORTS.map((transport) => ({ carrier, transport })));

/** The same call by the worker that owns the session, and by the other one. */
interface Pair {
  readonly local: RawAnswer;
  readonly forwarded: RawAnswer;
  readonly marks: readonly string[];
}

let redis: RunningRedis;
let servers: ReadonlyMap<Carrier, HostileServer>;
/** Where child processes note what they ran. */
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
  // All at once: most of the time goes by in pauses before streams are picked up again.
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

/** How often the call with this mark reached the server. */
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
    const doors = [owner, other].map((door) => ({ home: owner, door }));
    this.clients = doors.map((each) => clientAtOtherDoor(this.transport, each, { token: this.token }));
    for (const client of this.clients) await client.connect();
  }

  async call(behaviour: Behaviour): Promise<Pair> {
    const { name, ends } = behaviour;
    const marks = this.clients.map(() => crypto.randomUUID());
    const ask = (client: RawClient, index: number) =>
      client.request('tools/call', { name, arguments: { call: marks[index] ?? '' } });
    const isSharing = this.transport === 'rpc' || this.transport === 'modern';
    const isLosing = ends?.includes(this.carrier) === true;
    // Whose question it was that was refused is known where no other call could have asked it.
    const isAsking = 'toModern' in expectationOf(behaviour, this.carrier);
    const mustTakeTurns = isSharing && (isLosing || isAsking);
    const [local, forwarded] = await (mustTakeTurns ? this.inTurn(ask) : Promise.all(this.clients.map(ask)));
    if (!local || !forwarded) throw new Error('Two clients give two answers');
    return { local, forwarded, marks };
  }

  /** Without sessions of their own both share one at the server: each gets a new one before it is lost to it. */
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

/** Until a worker has heard that a shared session was lost at another one, it refuses to call; nothing has run then. */
function recovered(client: RawClient): Promise<void> {
  return until(async () => {
    const { answers } = await client.request('tools/call', { name: 'good', arguments: {} });
    return answers[0]?.['result'] !== undefined;
  });
}

async function callAll(carrier: Carrier, transport: ForwardedTransport): Promise<Map<string, Pair>> {
  // Nobody shares an upstream session with another transport: one that is lost must not be missed elsewhere.
  const token = await cluster.token({ subject: `${carrier}-${transport}` });
  const couple = new Couple(carrier, transport, token);
  await couple.open();
  const pairs = new Map<string, Pair>();
  for (const behaviour of steadies(carrier)) {
    pairs.set(behaviour.name, await couple.call(behaviour));
    if (!behaviour.ends?.includes(carrier)) continue;
    await couple.close();
    await couple.open();
  }
  await couple.close();
  return pairs;
}

/** Everything that a client sees but the ids, which are its own or drawn for each request. */
function bytesOf({ id, status, headers, body, answers }: RawAnswer) {
  const text = `${body}\n${JSON.stringify(answers)}`
    .replaceAll(`"id":${JSON.stringify(id)},`, '"id":"given",')
    .replaceAll(/"requestId":"[\da-f-]{36}"/g, '"requestId":"drawn"')
    // Where our own request to the server breaks off depends on the digits of its id.
    .replaceAll(/at character \d+/g, 'at some character');
  return { status, type: headers['content-type'], wwwAuthenticate: headers['www-authenticate'], text };
}

describe.each(CELLS)('misdeeds of a server ($carrier), told over $transport', ({ carrier, transport }) => {
  it.each(steadies(carrier))('$name', (behaviour) => {
    const { local, forwarded, marks } = tried.get(carrier + transport)?.get(behaviour.name) ?? {};
    if (!local || !forwarded) throw new Error('It was not tried');
    for (const answer of [local, forwarded]) judge(answer, transport, expectationOf(behaviour, carrier));
    expect(bytesOf(forwarded)).toEqual(bytesOf(local));
    expect(marks?.map((mark) => runs(carrier, mark))).toEqual([1, 1]);
  });
});

it('both workers are there to the end', () => {
  expect(cluster.workers.map(({ output }) => /Unhandled|\bat .+:\d+:\d+/.test(output))).toEqual([false, false]);
});
