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

type Told = 'executed' | 'not executed' | 'unknown';

const CALLERS = 8;

/** How often a call may have reached the server, by what its client was told. */
const POSSIBLE: Readonly<Record<Told, readonly number[]>> = { executed: [1], 'not executed': [0], unknown: [0, 1] };

/** What the codes of the gateway say. Where many processes share few cores, Redis may be late for a moment too. */
const OUTCOMES: ReadonlyMap<number, Told> = new Map([
  [-31_001, 'not executed'],
  [-31_002, 'unknown'],
  [-31_007, 'not executed'],
]);

/** What a client can tell from the answer to a call. Throws where it is no answer to it. */
function toldBy({ status, messages }: ReadAnswer, mark: string): Told {
  // A refusal with a status of its own need not name the call.
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

/** Several callers of one session, each with one call after the other through the workers that are not its owner. */
async function storm(client: RoamingClient, isOver: () => boolean): Promise<ReadonlyMap<string, Told>> {
  const told = new Map<string, Told>();
  const callers = Array.from({ length: CALLERS }, async (_, caller) => {
    for (let turn = 0; !isOver(); turn += 1) {
      const mark = `caller ${caller}, call ${turn}`;
      told.set(mark, toldBy(await client.ask(caller % 2 === 0 ? other : third, mark), mark));
    }
  });
  await Promise.all(callers);
  return told;
}

/** Every call that reached the server another number of times than its answer allows. */
function liesIn(told: ReadonlyMap<string, Told>): string[] {
  return [...told].flatMap(([mark, outcome]) => {
    const count = world.server.arrivals(mark);
    return POSSIBLE[outcome].includes(count) ? [] : [`${mark}: told ${outcome}, arrived ${count} times`];
  });
}

const countOf = (told: ReadonlyMap<string, Told>, outcome: Told) =>
  [...told.values()].filter((each) => each === outcome).length;

/** The server has served so many calls more by then. */
async function callsServed(count: number): Promise<void> {
  const { calls } = world.server.server;
  await calls.until('echo', 'finished', calls.of('echo').finished + count);
}

describe('the answers to calls that are under way all the time', () => {
  it('are true when the owner is killed among them', async () => {
    const client = await world.initialize(owner);
    let isOver = false;
    const stormed = storm(client, () => isOver);
    await callsServed(50);
    owner.kill('SIGKILL');
    const fresh = await world.initialize(third);
    expect(await fresh.ask(other, 'of another session')).toMatchObject({ status: 200 });
    for (let turn = 0; (await client.ask(other, `is it gone ${turn}`)).status !== 404; turn += 1);
    isOver = true;
    const told = await stormed;
    expect(liesIn(told)).toEqual([]);
    expect(world.server.duplicates()).toEqual([]);
    expect(countOf(told, 'executed')).toBeGreaterThan(0);
    expect(countOf(told, 'not executed')).toBeGreaterThan(0);
  });

  it('are true when the owner stands still again and again', async () => {
    const client = await world.initialize(owner);
    let isOver = false;
    const stormed = storm(client, () => isOver);
    for (let pause = 0; pause < 4; pause += 1) {
      await callsServed(30);
      owner.kill('SIGSTOP');
      // One is refused at least, after half a second; others were claimed before, and wait.
      for (let turn = 0; (await client.ask(other, `pause ${pause}, call ${turn}`)).status !== 503; turn += 1);
      owner.kill('SIGCONT');
    }
    await callsServed(30);
    isOver = true;
    const told = await stormed;
    // Whatever was sent to the owner has reached it once it serves this.
    expect(await client.ask(third, 'the last')).toMatchObject({ status: 200 });
    expect(liesIn(told)).toEqual([]);
    expect(world.server.duplicates()).toEqual([]);
    expect(countOf(told, 'executed')).toBeGreaterThan(0);
  });
});
