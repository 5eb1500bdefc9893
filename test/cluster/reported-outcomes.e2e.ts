/** @waits */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, threeRunning, type ClusterWorld } from '../support/cluster-world.js';
import type { ReadAnswer, RoamingClient } from '../support/roaming-client.js';

let world: ClusterWorld;
let owner: ClusterWorker;
let other: ClusterWorker;
let third: ClusterWorker;

beforeAll(async () => {
  world = await startClusterWorld(3);
});

beforeEach(async () => {
  [owner, other, third] = await threeRunning(world);
});

afterAll(() => world.close());

type ReportedOutcome = 'executed' | 'not executed' | 'unknown';

const CALLERS = 8;

/** The number of times that a call may have reached the server, by its reported outcome. */
const POSSIBLE: Readonly<Record<ReportedOutcome, readonly number[]>> = {
  executed: [1],
  'not executed': [0],
  unknown: [0, 1],
};

/** The outcome that each error code of the gateway reports. Where many processes share few cores, Redis may be late too. */
const OUTCOMES: ReadonlyMap<number, ReportedOutcome> = new Map([
  [-31_001, 'not executed'],
  [-31_002, 'unknown'],
  [-31_007, 'not executed'],
]);

/** The outcome that the answer to a call reports. Throws if it does not answer the call. */
function toOutcome({ status, messages }: ReadAnswer, mark: string): ReportedOutcome {
  // An error with an HTTP status of its own need not carry the id of the call.
  const [answer, ...more] = messages.filter((message) => 'result' in message || 'error' in message);
  if (!answer || more.length > 0) throw new Error(`${mark} was not answered once: ${JSON.stringify(messages)}`);
  if (status === 404) return 'not executed';
  if (answer['id'] !== mark && status !== 503) throw new Error(`${mark} got ${JSON.stringify(answer)}`);
  if ('result' in answer) return textIn(answer) === mark ? 'executed' : 'unknown';
  const { code, data } = answer['error'] as { code: number; data: { outcome: string } };
  const outcome = OUTCOMES.get(code);
  if (outcome?.replace(' ', '_') === data.outcome) return outcome;
  throw new Error(`${mark} failed in a way that is not expected here: ${JSON.stringify(answer)}`);
}

function textIn({ result }: JsonObject): string | undefined {
  return (result as { content?: readonly { text?: string }[] }).content?.[0]?.text;
}

/** Several callers of one session, each with sequential calls through the workers that do not own the session. */
async function storm(client: RoamingClient, isOver: () => boolean): Promise<ReadonlyMap<string, ReportedOutcome>> {
  const reported = new Map<string, ReportedOutcome>();
  const callers = Array.from({ length: CALLERS }, async (_, caller) => {
    for (let turn = 0; !isOver(); turn += 1) {
      const mark = `caller ${caller}, call ${turn}`;
      reported.set(mark, toOutcome(await client.callAndRead(caller % 2 === 0 ? other : third, mark), mark));
    }
  });
  await Promise.all(callers);
  return reported;
}

/** The calls that reached the server more or fewer times than their answer allows. */
function falseOutcomes(reported: ReadonlyMap<string, ReportedOutcome>): string[] {
  return [...reported].flatMap(([mark, outcome]) => {
    const count = world.server.arrivals(mark);
    return POSSIBLE[outcome].includes(count) ? [] : [`${mark}: reported as ${outcome}, arrived ${count} times`];
  });
}

const countOf = (reported: ReadonlyMap<string, ReportedOutcome>, outcome: ReportedOutcome) =>
  [...reported.values()].filter((each) => each === outcome).length;

/** Waits until the server has served that many more calls. */
async function callsServed(count: number): Promise<void> {
  const { calls } = world.server.server;
  await calls.until('echo', 'finished', calls.of('echo').finished + count);
}

describe('the reported outcomes of continuous calls', () => {
  // About 8 s: a killed worker is considered dead only when its presence has expired.
  it('are true when the session owner is killed', async () => {
    const client = await world.initialize(owner);
    let isOver = false;
    const stormed = storm(client, () => isOver);
    await callsServed(50);
    owner.kill('SIGKILL');
    const fresh = await world.initialize(third);
    expect(await fresh.callAndRead(other, 'of another session')).toMatchObject({ status: 200 });
    for (let turn = 0; (await client.callAndRead(other, `is it unknown ${turn}`)).status !== 404; turn += 1);
    isOver = true;
    const reported = await stormed;
    expect(falseOutcomes(reported)).toEqual([]);
    expect(world.server.duplicates()).toEqual([]);
    expect(countOf(reported, 'executed')).toBeGreaterThan(0);
    expect(countOf(reported, 'not executed')).toBeGreaterThan(0);
  });

  // About 6 s: four pauses, each until a call is refused, with calls of eight clients in between.
  it('are true when the session owner is paused repeatedly', async () => {
    const client = await world.initialize(owner);
    let isOver = false;
    const stormed = storm(client, () => isOver);
    for (let pause = 0; pause < 4; pause += 1) {
      await callsServed(30);
      owner.kill('SIGSTOP');
      // At least one call is rejected after half a second; others were claimed before and wait.
      for (let turn = 0; (await client.callAndRead(other, `pause ${pause}, call ${turn}`)).status !== 503; turn += 1);
      owner.kill('SIGCONT');
    }
    await callsServed(30);
    isOver = true;
    const reported = await stormed;
    // All earlier messages to the owner have reached it once it serves this call.
    expect(await client.callAndRead(third, 'the last')).toMatchObject({ status: 200 });
    expect(falseOutcomes(reported)).toEqual([]);
    expect(world.server.duplicates()).toEqual([]);
    expect(countOf(reported, 'executed')).toBeGreaterThan(0);
  });
});
