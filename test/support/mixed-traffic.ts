import { setTimeout as pause } from 'node:timers/promises';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { rawClient } from '#lib/testing/raw-client';
import type { JsonObject } from '#lib/mcp-protocol';
import type { ClusterWorker } from './cluster.js';
import type { RoamingClient } from './roaming-client.js';
import type { WiredCluster } from './wired-cluster.js';

/**
 * `modern`: modern client, modern server. `local`: session calls at the owner. `opened`: a new session and a call at
 * its owner. `forwarded`: session calls at another worker than the owner. `pooled`: modern client, legacy server.
 */
export type Lane = 'modern' | 'local' | 'opened' | 'forwarded' | 'pooled';

/** Lanes that need no other worker. */
export const INDEPENDENT_LANES: readonly Lane[] = ['modern', 'local', 'opened'];
/** Lanes that may need another worker. */
export const DEPENDENT_LANES: readonly Lane[] = ['forwarded', 'pooled'];

/** The outcome that the answer states. `wrong`: neither the result nor a truthful error. */
export type Verdict = 'answered' | 'not executed' | 'unknown' | 'wrong';

/** One call and its answer. */
export interface Attempt {
  readonly lane: Lane;
  readonly mark: string;
  /** URL of the called worker. */
  readonly url: string;
  /** By `performance.now()`. */
  readonly begun: number;
  readonly ended: number;
  /** Duration in ms; of several requests the longest, because guarantees apply to each request. */
  readonly ms: number;
  readonly verdict: Verdict;
  /** Code of the error; absent for a result. */
  readonly code?: number;
  /** All received messages, for the report of a failed test. */
  readonly received: string;
}

/** A request that depends on nothing but its worker: its duration is that of the machine. */
interface ControlRequest {
  readonly url: string;
  readonly begun: number;
  readonly ended: number;
}

/** Measures one request of several. */
type Timed = <T>(request: Promise<T>) => Promise<T>;
type Call = (mark: string, timed: Timed) => Promise<readonly JsonObject[]>;

/** Pause of a client between two calls, so that the traffic does not saturate the machine. */
const PAUSE_MS = 100;

/** Shorter than the timeout of a test, so that a failure lists the answers of its clients. */
const SERVED_TIMEOUT_MS = scaleDeadline(60_000);

const TRUTHFUL_ERRORS: Readonly<Record<number, [outcome: string, verdict: Verdict]>> = {
  [-31_001]: ['not_executed', 'not executed'],
  [-31_007]: ['not_executed', 'not executed'],
  [-31_002]: ['unknown', 'unknown'],
};

/** Clients of every kind at two workers, which call repeatedly until they are stopped. */
export class MixedTraffic {
  readonly attempts: Attempt[] = [];
  private readonly lanes: { readonly lane: Lane; readonly url: string; readonly over: Promise<void> }[] = [];
  private readonly controlRequests: ControlRequest[] = [];
  private readonly controlLoops: Promise<void>[] = [];
  private isOver = false;
  private count = 0;

  private constructor(private readonly world: WiredCluster) {}

  /** Starts the traffic. Resolves once every lane has had an answer. */
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
      traffic.controlLoops.push(traffic.sendControlRequests(worker));
    }
    await traffic.served();
    return traffic;
  }

  /** Keeps calling for a while. */
  async runFor(ms: number): Promise<void> {
    await pause(ms);
  }

  /**
   * Resolves once each lane has had an answer to a call that began after `moment`. Returns the time from `moment` until
   * the last of them.
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
      await pause(PAUSE_MS);
    }
    return lastOfAll();
  }

  /** Attempts that began after a moment of `performance.now()`, in the order of their end. */
  since(moment: number, lanes: readonly Lane[] = [...INDEPENDENT_LANES, ...DEPENDENT_LANES]): readonly Attempt[] {
    return this.attempts.filter(({ begun, lane }) => begun >= moment && lanes.includes(lane));
  }

  /**
   * Attempts that took longer than the limit and than the machine explains: a request to the same worker that depends on
   * nothing else was faster meanwhile. A machine that stalls for seconds delays both alike.
   */
  delayed(moment: number, lanes: readonly Lane[], limitMs: number): readonly Attempt[] {
    return this.since(moment, lanes).filter((attempt) => {
      const concurrent = this.controlRequests.filter(
        ({ url, begun, ended }) => url === attempt.url && begun < attempt.ended && ended > attempt.begun,
      );
      return attempt.ms > limitMs + Math.max(0, ...concurrent.map(({ begun, ended }) => ended - begun));
    });
  }

  /** Resolves when the last call has ended. */
  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all([...this.lanes.map(({ over }) => over), ...this.controlLoops]);
  }

  /**
   * Answers that contradict the arrivals at the server, or that are not permitted. Call it after `stop`.
   */
  falseReports(): readonly string[] {
    return this.attempts.flatMap(({ lane, mark, verdict, received }) => {
      const arrivals = this.world[lane === 'modern' ? 'modern' : 'legacy'].arrivals(mark);
      const isTrue =
        verdict === 'unknown' ? arrivals <= 1 : verdict !== 'wrong' && arrivals === (verdict === 'answered' ? 1 : 0);
      return isTrue ? [] : [`${mark} arrived ${arrivals} times and was ${verdict}: ${received}`];
    });
  }

  /** Stops the calls, which would outlive the test. Returns an error with the last answer of each lane and the logs. */
  private async giveUp(lanes: typeof this.lanes): Promise<Error> {
    await this.stop();
    const lastOf = ({ lane, url }: (typeof lanes)[number]) =>
      this.attempts.findLast((each) => each.lane === lane && each.url === url)?.received;
    const answers = lanes.map((each) => `${each.lane} at ${each.url}: ${lastOf(each)}`);
    const logs = [this.world.owner, this.world.other].map(({ url, output }) => `Output of ${url}:\n${output}`);
    return new Error([`Not served within ${SERVED_TIMEOUT_MS} ms: ${answers.join('; ')}`, ...logs].join('\n'));
  }

  private run(lane: Lane, client: RoamingClient, worker: ClusterWorker): void {
    this.lane(lane, worker, async (mark) => (await client.callAndRead(worker, mark)).messages);
  }

  private lane(lane: Lane, { url }: ClusterWorker, call: Call): void {
    const callRepeatedly = async () => {
      while (!this.isOver) {
        this.attempts.push(await this.attempt(lane, url, call));
        await pause(PAUSE_MS);
      }
    };
    this.lanes.push({ lane, url, over: callRepeatedly() });
  }

  private async sendControlRequests({ url }: ClusterWorker): Promise<void> {
    while (!this.isOver) {
      const begun = performance.now();
      const answer = await fetch(`${url}/health/live`).then(
        (response) => response.text(),
        () => undefined,
      );
      if (answer !== undefined) this.controlRequests.push({ url, begun, ended: performance.now() });
      await pause(PAUSE_MS);
    }
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
      ...toVerdict(messages.at(-1), mark),
      received: JSON.stringify(messages),
    };
  }

  private async openAndCall(worker: ClusterWorker, mark: string, timed: Timed): Promise<readonly JsonObject[]> {
    const client = await timed(this.world.initialize(worker));
    const { messages } = await timed(client.callAndRead(worker, mark));
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

/** Converts the last message of an answer to a verdict. */
export function toVerdict(message: JsonObject | undefined, mark: string): Pick<Attempt, 'verdict' | 'code'> {
  const { result, error } = (message ?? {}) as AnyAnswer;
  if (!error) return { verdict: result?.content?.[0]?.text === mark ? 'answered' : 'wrong' };
  const { code, data } = error;
  const [outcome, verdict] = TRUTHFUL_ERRORS[code] ?? [];
  return { code, verdict: verdict !== undefined && data?.outcome === outcome ? verdict : 'wrong' };
}

interface AnyAnswer {
  readonly result?: { readonly content?: readonly { readonly text?: string }[] };
  readonly error?: { readonly code: number; readonly data?: { readonly outcome?: string } };
}
