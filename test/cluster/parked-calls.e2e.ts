/** @waits */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
import type { ClusterWorker } from '../support/cluster.js';
import {
  startClusterWorld,
  firstThreeWorkers,
  threeRunning,
  timed,
  type ClusterWorld,
} from '../support/cluster-world.js';
import { answerAll, RepeatingClient, type InputRequired, type MarkedTool } from '../support/repeating-client.js';
import { until } from '../support/until.js';

const ADA = { action: 'accept', content: { name: 'Ada', word: 'yes' } };
const text = (said: string) => ({ result: { resultType: 'complete', content: [{ type: 'text', text: said }] } });
const INVALID = { error: { code: -32_602, data: { outcome: 'not_executed' } } };
const LOST = { error: { code: -31_011, data: { outcome: 'unknown', retriable: false } } };
const UNKNOWN = { error: { code: -31_002, data: { outcome: 'unknown' } } };

/** The promised limits; doubled, because several processes share few cores. */
const KNOWN_DEAD_WITHIN_MS = scaleDeadline(2 * 7_000);
const CANCELLED_WITHIN_MS = scaleDeadline(2 * 250);

const closing: (() => Promise<unknown>)[] = [];

const closeEach = async (opened: readonly (() => Promise<unknown>)[]) => {
  for (const close of opened.toReversed()) await close();
};

const closeAll = () => closeEach(closing.splice(0));

interface ParkedWorld extends ClusterWorld {
  readonly client: RepeatingClient;
  readonly three: readonly [ClusterWorker, ClusterWorker, ClusterWorker];
  another(subject: string): Promise<RepeatingClient>;
}

async function startWorld(env: Readonly<Record<string, string>> = {}): Promise<ParkedWorld> {
  const world = await startClusterWorld(3, { era: 'legacy', transport: 'http' }, env);
  closing.push(() => world.close());
  const another = async (subject: string) => {
    const client = new RepeatingClient({ token: await world.cluster.token({ subject }) });
    closing.push(() => client.close());
    return client;
  };
  return { ...world, client: await another('tester'), three: firstThreeWorkers(world), another };
}

const askName = (mark: string): MarkedTool => ({ mark, tool: 'ask_name' });

/** Repeats the call until the answer is not "owner unreachable" any more. */
async function repeatUntilFinal(
  client: RepeatingClient,
  worker: ClusterWorker,
  what: MarkedTool,
  asked: InputRequired,
): Promise<JsonObject> {
  for (;;) {
    const answer = await client.call(worker, what, answerAll(asked, ADA));
    if ((answer['error'] as JsonObject | undefined)?.['code'] !== -31_001) return answer;
  }
}

/** Of all tests that need no settings of their own. */
let world: ParkedWorld;
let closeWorld: () => Promise<void>;

beforeAll(async () => {
  world = await startWorld();
  const opened = closing.splice(0);
  closeWorld = () => closeEach(opened);
});

afterAll(() => closeWorld());

describe('a parked call', () => {
  let answersBefore: number;
  let sessionsBefore: number;
  const answers = () => world.server.answers - answersBefore;
  const newSessions = () => world.server.server.openSessions - sessionsBefore;

  beforeEach(() => {
    answersBefore = world.server.answers;
    sessionsBefore = world.server.server.openSessions;
  });
  afterAll(closeAll);

  it('can be answered at every other worker, and reaches the server once', async () => {
    const { client, three, server } = world;
    for (const [index, began] of three.entries()) {
      const what = askName(`begun at ${index}`);
      const asked = await client.callForInput(began, what);
      const elsewhere = three[(index + 1) % three.length] ?? began;
      expect(await client.call(elsewhere, what, answerAll(asked, ADA))).toMatchObject(text('accept: Ada'));
      expect(server.arrivals(what.mark)).toBe(1);
    }
    expect(answers()).toBe(three.length);
    expect(newSessions()).toBeLessThanOrEqual(1);
  });

  it('sends its answer to the server once, although the client sends it twice concurrently and once more later', async () => {
    const { client, three, server } = world;
    const [first, second, third] = three;
    const what = { mark: 'answered twice', tool: 'ask_and_hold', args: { key: 'twice' } };
    const answer = answerAll(await client.callForInput(first, what), ADA);
    const both = [client.call(second, what, answer), client.call(third, what, answer)];
    await until(() => answers() === 1);
    server.server.world.release('twice');
    for (const answered of await Promise.all(both)) expect(answered).toMatchObject(text('released for Ada'));
    const other = { ...answer, inputResponses: { 'question-1': { action: 'decline' } } };
    expect(await client.call(second, what, other)).toMatchObject(text('released for Ada'));
    expect([answers(), server.arrivals(what.mark)]).toEqual([1, 1]);
  });

  it('rejects an answer of another principal, of another call, and with an altered request state', async () => {
    const { client, three, server, another } = world;
    const [first, second, third] = three;
    const what = askName('mine');
    const answer = answerAll(await client.callForInput(first, what), ADA);
    const stranger = await another('stranger');
    for (const worker of three) {
      expect(await stranger.call(worker, what, answer)).toMatchObject(INVALID);
      expect(await client.call(worker, askName('another'), answer)).toMatchObject(INVALID);
      const altered = { ...answer, requestState: `${answer.requestState.slice(0, -6)}AAAAAA` };
      expect(await client.call(worker, what, altered)).toMatchObject(INVALID);
    }
    expect([answers(), server.arrivals('another')]).toEqual([0, 0]);
    expect(await client.call(third, what, answer)).toMatchObject(text('accept: Ada'));
    expect(await client.call(second, what, answer)).toMatchObject(text('accept: Ada'));
    expect([answers(), server.arrivals('mine')]).toEqual([1, 1]);
  });

  it('accepts the answers to three questions in a row, each at another worker', async () => {
    const { client, three, server } = world;
    const [first, second, third] = three;
    const what = { mark: 'three rounds', tool: 'ask_rounds', args: { rounds: 3 } };
    const round1 = await client.callForInput(first, what);
    const round2 = await client.callForInput(second, what, answerAll(round1, ADA));
    const round3 = await client.callForInput(third, what, answerAll(round2, ADA));
    expect([round1, round2, round3].flatMap(({ inputRequests }) => Object.keys(inputRequests))).toEqual([
      'question-1',
      'question-2',
      'question-3',
    ]);
    expect(await client.call(second, what, answerAll(round3, ADA))).toMatchObject(text('yes yes yes'));
    expect(server.arrivals(what.mark)).toBe(1);
  });

  it('accepts the answers to three concurrent questions in two parts, at two workers', async () => {
    const { client, three } = world;
    const [first, second, third] = three;
    const what = { mark: 'at once', tool: 'ask_at_once' };
    const { inputRequests, requestState } = await client.callForInput(first, what);
    const given: Record<string, JsonObject> = {
      'elicitation/create': ADA,
      'sampling/createMessage': { role: 'assistant', model: 'm', content: { type: 'text', text: 'hello' } },
      'roots/list': { roots: [{ uri: 'file:///srv' }] },
    };
    const entries = Object.entries(inputRequests).map(([key, { method }]) => [key, given[method as string]] as const);
    expect(entries).toHaveLength(3);
    const [one = ['', {}], ...others] = entries;
    const rest = await client.callForInput(second, what, { requestState, inputResponses: Object.fromEntries([one]) });
    expect(Object.keys(rest.inputRequests)).toEqual(others.map(([key]) => key));
    const inputResponses = Object.fromEntries(others) as JsonObject;
    const answered = await client.call(third, what, { requestState: rest.requestState, inputResponses });
    expect(answered).toMatchObject(text('Ada | hello | file:///srv'));
    expect(answers()).toBe(3);
  });

  it('receives its own answer although another call of the same upstream session is parked too', async () => {
    const { client, three } = world;
    const [first, second, third] = three;
    const [one, two] = [askName('one'), askName('two')];
    const asked = await Promise.all([client.callForInput(first, one), client.callForInput(second, two)]);
    const bob = { action: 'accept', content: { name: 'Bob' } };
    expect(await client.call(third, two, answerAll(asked[1], bob))).toMatchObject(text('accept: Bob'));
    expect(await client.call(third, one, answerAll(asked[0], ADA))).toMatchObject(text('accept: Ada'));
    expect(newSessions()).toBeLessThanOrEqual(1);
  });

  it('sends its progress to the request that repeats it', async () => {
    const { client, three, server } = world;
    const [first, second] = three;
    const what = { mark: 'progressing', tool: 'ask_and_hold', args: { key: 'progressing' } };
    const stream = await client.openStream(second, what, answerAll(await client.callForInput(first, what), ADA));
    expect(await stream.message()).toMatchObject({
      method: 'notifications/progress',
      params: { progressToken: 'progressing', progress: 1, total: 2 },
    });
    server.server.world.release('progressing');
    expect(await stream.rest()).toMatchObject([text('released for Ada')]);
  });

  it('is cancelled at the server when its client aborts a repetition at another worker', async () => {
    const { client, three, server } = world;
    const [first, second] = three;
    const what = { mark: 'left', tool: 'ask_and_hold', args: { key: 'left' } };
    const leaving = new AbortController();
    const stream = await client.openStream(
      second,
      what,
      answerAll(await client.callForInput(first, what), ADA),
      leaving.signal,
    );
    await stream.message();
    const { ms } = await timed(async () => {
      leaving.abort();
      await server.server.calls.until('ask_and_hold', 'cancelled');
    });
    expect(ms).toBeLessThan(CANCELLED_WITHIN_MS);
  });
});

describe('a parked call whose client does not answer', () => {
  afterEach(closeAll);

  it('is cancelled at the server, and a late answer does not reach the server', async () => {
    const { client, three, server } = await startWorld({ ISTHMUS_QUESTION_TIMEOUT: '1s' });
    const [first, second] = three;
    const what = askName('late');
    const asked = await client.callForInput(first, what);
    await server.server.calls.until('ask_name', 'cancelled');
    expect(await client.call(second, what, answerAll(asked, ADA))).toMatchObject(UNKNOWN);
    // The cancelled tool ends its own question; that is not the client's answer.
    expect(server.arrivals(what.mark)).toBe(1);
    expect(server.server.calls.of('ask_name')).toMatchObject({ started: 1, finished: 0 });
  });

  it('counts towards the limit of parked calls: one call more is abandoned with an unknown outcome', async () => {
    const { client, three, server } = await startWorld({ ISTHMUS_MAX_PARKED_CALLS_PER_PRINCIPAL: '1' });
    const [first] = three;
    const what = askName('the one');
    const asked = await client.callForInput(first, what);
    const refused = await client.call(first, askName('one more'));
    expect(refused).toMatchObject({ error: { code: -31_003, data: { outcome: 'unknown' } } });
    expect(await client.call(first, what, answerAll(asked, ADA))).toMatchObject(text('accept: Ada'));
    expect(server.arrivals('one more')).toBe(1);
  });
});

describe('a parked call whose worker has ended', () => {
  let first: ClusterWorker;
  let second: ClusterWorker;

  beforeEach(async () => {
    [first, second] = await threeRunning(world);
  });

  it('is cancelled at the server by a draining worker, and answered with an unknown outcome', async () => {
    const { client, server } = world;
    const { cancelled } = server.server.calls.of('ask_name');
    const what = askName('left alone');
    const asked = await client.callForInput(first, what);
    first.kill('SIGTERM');
    await server.server.calls.until('ask_name', 'cancelled', cancelled + 1);
    await first.ended;
    expect(await repeatUntilFinal(client, second, what, asked)).toMatchObject(LOST);
    expect(server.arrivals(what.mark)).toBe(1);
  });

  // About 8 s: a killed worker is considered dead only when its presence has expired.
  it('is answered with an unknown outcome and never restarted when the worker was killed before the answer', async () => {
    const { client, server } = world;
    const answersBefore = server.answers;
    const what = askName('killed');
    const asked = await client.callForInput(first, what);
    first.kill('SIGKILL');
    await first.ended;
    const { value, ms } = await timed(() => repeatUntilFinal(client, second, what, asked));
    expect(value).toMatchObject(LOST);
    expect(ms).toBeLessThan(KNOWN_DEAD_WITHIN_MS);
    expect(await client.call(second, what, answerAll(asked, ADA))).toMatchObject(LOST);
    expect([server.arrivals(what.mark), server.answers - answersBefore]).toEqual([1, 0]);
  });

  // About 8 s: a killed worker is considered dead only when its presence has expired.
  it('is answered with an unknown outcome when the worker was killed after the answer', async () => {
    const { client, server } = world;
    const what = { mark: 'killed later', tool: 'ask_and_hold', args: { key: 'killed later' } };
    const stream = await client.openStream(second, what, answerAll(await client.callForInput(first, what), ADA));
    await stream.message();
    const { ms } = await timed(async () => {
      first.kill('SIGKILL');
      expect((await stream.rest()).at(-1)).toMatchObject(UNKNOWN);
    });
    expect(ms).toBeLessThan(KNOWN_DEAD_WITHIN_MS);
    expect(server.arrivals(what.mark)).toBe(1);
  });
});
