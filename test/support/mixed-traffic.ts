import { setTimeout as pause } from 'node:timers/promises';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { rawClient } from '#lib/testing/raw-client';
import type { JsonObject } from '#lib/mcp-protocol';
import type { ClusterWorker } from './cluster.js';
import type { RoamingClient } from './roaming-client.js';
import type { WiredCluster } from './wired-cluster.js';

/**
 * `modern`: modern client, modern server. `local`: a session at its owner. `opened`: a new session, and a call of it
 * where it was opened. `forwarded`: a session at a worker that does not own it. `pooled`: modern client, legacy server.
 */
export type Lane = 'modern' | 'local' | 'opened' | 'forwarded' | 'pooled';

/** What none of them needs another worker for. */
export const INDEPENDENT: readonly Lane[] = ['modern', 'local', 'opened'];
/** What may need another worker. */
export const DEPENDENT: readonly Lane[] = ['forwarded', 'pooled'];

/** What a client was told of its call. `wrong`: neither its result nor an honest failure. */
export type Verdict = 'answered' | 'not executed' | 'unknown' | 'wrong';

/** One call, and what came of it. */
export interface Attempt {
  readonly lane: Lane;
  readonly mark: string;
  /** Of the worker that was called. */
  readonly url: string;
  /** By `performance.now()`. */
  readonly begun: number;
  readonly ended: number;
  /** What it took; of several requests, the one that took longest. What is promised is promised of each. */
  readonly ms: number;
  readonly verdict: Verdict;
  /** Code of the error; absent for an answer. */
  readonly code?: number;
  /** All that came, for whoever reads of a failed test. */
  readonly told: string;
}

/** Takes the time of one request of several. */
type Timed = <T>(request: Promise<T>) => Promise<T>;
type Call = (mark: string, timed: Timed) => Promise<readonly JsonObject[]>;

/** A client thinks between two calls: long enough that what takes its time is what is tested, not a full machine. */
const THINKING_MS = 100;

/** Less than a test may take, so that it fails with what its clients were told. */
const SERVED_TIMEOUT_MS = scaleDeadline(60_000);

const HONEST: Readonly<Record<number, [outcome: string, verdict: Verdict]>> = {
  [-31_001]: ['not_executed', 'not executed'],
  [-31_007]: ['not_executed', 'not executed'],
  [-31_002]: ['unknown', 'unknown'],
};

/** Clients of every kind at each of two workers, who call one after the other until they are stopped. */
export class MixedTraffic {
  readonly attempts: Attempt[] = [];
  private readonly lanes: { readonly lane: Lane; readonly url: string; readonly over: Promise<void> }[] = [];
  private isOver = false;
  private count = 0;

  private constructor(private readonly world: WiredCluster) {}

  /** Begins it. Resolves once every lane has been served. */
  static async start(world: WiredCluster): Promise<MixedTraffic> {
    const traffic = new MixedTraffic(world);
    const { owner, other } = world;
    const [session, elsewhere] = [await world.initialize(owner), await world.initialize(other)];
    traffic.run('local', session, owner);
    traffic.run('local', elsewhere, other);
    traffic.run('forwarded', session, other);
    traffic.run('forwarded', elsewhere, owner);
    for (const worker of [owner, other]) {
      traffic.lane('opened', worker, (mark, timed) => traffic.openAndCall(worker, mark, timed));
      traffic.lane('modern', worker, (mark) => traffic.callModern(worker, 'modern', mark));
      traffic.lane('pooled', worker, (mark) => traffic.callModern(worker, 'ref', mark));
    }
    await traffic.served();
    return traffic;
  }

  /** Resolves after a while, in which calls go on. */
  async goOn(ms: number): Promise<void> {
    await pause(ms);
  }

  /**
   * Resolves once each lane has been served by a call that began after `moment`, with how long it took from then until
   * the last of them was.
   */
  async served(moment = performance.now()): Promise<number> {
    const endOfFirst = ({ lane, url }: (typeof this.lanes)[number]) => {
      const first = this.since(moment, [lane]).find((each) => each.url === url && each.verdict === 'answered');
      return first ? first.ended - moment : Infinity;
    };
    const lastOfAll = () => Math.max(...this.lanes.map(endOfFirst));
    const deadline = performance.now() + SERVED_TIMEOUT_MS;
    while (lastOfAll() === Infinity) {
      if (performance.now() > deadline)
        throw await this.giveUp(this.lanes.filter((lane) => endOfFirst(lane) === Infinity));
      await pause(THINKING_MS);
    }
    return lastOfAll();
  }

  /** What was begun after a moment of `performance.now()`, in the order of its end. */
  since(moment: number, lanes: readonly Lane[] = [...INDEPENDENT, ...DEPENDENT]): readonly Attempt[] {
    return this.attempts.filter(({ begun, lane }) => begun >= moment && lanes.includes(lane));
  }

  /** Resolves when the last call has ended. */
  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.lanes.map(({ over }) => over));
  }

  /** What clients were told and is not true, or none of what they may be told. Ask once nothing runs any more. */
  lies(): readonly string[] {
    return this.attempts.flatMap(({ lane, mark, verdict, told }) => {
      const arrivals = this.world[lane === 'modern' ? 'modern' : 'legacy'].arrivals(mark);
      const isTrue =
        verdict === 'unknown' ? arrivals <= 1 : verdict !== 'wrong' && arrivals === (verdict === 'answered' ? 1 : 0);
      return isTrue ? [] : [`${mark} arrived ${arrivals} times and was ${verdict}: ${told}`];
    });
  }

  /** Stops the calls, which would outlive the test, and says what the lanes were told last. */
  private async giveUp(lanes: typeof this.lanes): Promise<Error> {
    await this.stop();
    const lastOf = ({ lane, url }: (typeof lanes)[number]) =>
      this.attempts.findLast((each) => each.lane === lane && each.url === url)?.told;
    const told = lanes.map((each) => `${each.lane} at ${each.url}: ${lastOf(each)}`);
    return new Error(`Not served within ${SERVED_TIMEOUT_MS} ms: ${told.join('; ')}`);
  }

  private run(lane: Lane, client: RoamingClient, worker: ClusterWorker): void {
    this.lane(lane, worker, async (mark) => (await client.ask(worker, mark)).messages);
  }

  private lane(lane: Lane, { url }: ClusterWorker, call: Call): void {
    const keepCalling = async () => {
      while (!this.isOver) {
        this.attempts.push(await this.attempt(lane, url, call));
        await pause(THINKING_MS);
      }
    };
    this.lanes.push({ lane, url, over: keepCalling() });
  }

  private async attempt(lane: Lane, url: string, call: Call): Promise<Attempt> {
    const mark = `${lane} ${(this.count += 1)}`;
    const begun = performance.now();
    let longest: number | undefined;
    const timed: Timed = async (request) => {
      const sent = performance.now();
      return request.finally(() => {
        longest = Math.max(longest ?? 0, performance.now() - sent);
      });
    };
    const messages = await call(mark, timed).catch((fault: unknown) => [{ fault: String(fault) }]);
    const ended = performance.now();
    return {
      lane,
      mark,
      url,
      begun,
      ended,
      ms: longest ?? ended - begun,
      ...judge(messages.at(-1), mark),
      told: JSON.stringify(messages),
    };
  }

  private async openAndCall(worker: ClusterWorker, mark: string, timed: Timed): Promise<readonly JsonObject[]> {
    const client = await timed(this.world.initialize(worker));
    const { messages } = await timed(client.ask(worker, mark));
    await timed(client.end(worker));
    return messages;
  }

  private async callModern(worker: ClusterWorker, slug: string, mark: string): Promise<readonly JsonObject[]> {
    const client = rawClient('modern', `${worker.url}/servers/${slug}`, { token: this.world.token });
    try {
      const { answers } = await client.request('tools/call', { name: 'echo', arguments: { text: mark, call: mark } });
      return answers;
    } finally {
      await client.close();
    }
  }
}

/** What the last message of an answer says to the client. */
export function judge(message: JsonObject | undefined, mark: string): Pick<Attempt, 'verdict' | 'code'> {
  const { result, error } = (message ?? {}) as AnyAnswer;
  if (!error) return { verdict: result?.content?.[0]?.text === mark ? 'answered' : 'wrong' };
  const { code, data } = error;
  const [outcome, verdict] = HONEST[code] ?? [];
  return { code, verdict: verdict !== undefined && data?.outcome === outcome ? verdict : 'wrong' };
}

interface AnyAnswer {
  readonly result?: { readonly content?: readonly { readonly text?: string }[] };
  readonly error?: { readonly code: number; readonly data?: { readonly outcome?: string } };
}
