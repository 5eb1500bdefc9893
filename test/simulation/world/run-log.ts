/** What a client is told about its call, in the words that count. `executed`: it ran and failed there. */
export type Verdict = 'success' | 'not_executed' | 'executed' | 'unknown';

/** The one answer to a request. */
export interface TimedAnswer {
  readonly time: number;
  readonly verdict: Verdict;
  /** What the server is said to have answered, of a success. */
  readonly token?: string;
  /** The gateway's own reason where there is one. */
  readonly why?: string;
}

/** One request as everybody involved saw it. */
export interface RequestRecord {
  readonly name: string;
  readonly session: string;
  readonly sentAt: number;
  /** Times at which a server began to run it. */
  readonly executions: number[];
  readonly answers: TimedAnswer[];
  /** Numbers of the steps that the client heard of. */
  readonly steps: number[];
}

/** All that happened, for whoever judges. */
export class RunLog {
  private readonly records = new Map<string, RequestRecord>();
  /** For each process and session, the requests in the order in which they arrived, and in which they were begun. */
  readonly arrived = new Map<string, string[]>();
  readonly started = new Map<string, string[]>();
  /** Requests that nobody had made. */
  readonly unknownRequests: string[] = [];

  /** For each session, the processes that would serve it now. */
  private readonly servers = new Map<string, Set<string>>();
  /** Sessions that two processes would have served at one moment. */
  readonly doublyServed: string[] = [];

  servingStarted(session: string, process: string): void {
    const gates = (this.servers.get(session) ?? new Set()).add(process);
    this.servers.set(session, gates);
    if (gates.size > 1) this.doublyServed.push(`${session} at ${[...gates].join(' and ')}`);
  }

  servingStopped(session: string, process: string): void {
    this.servers.get(session)?.delete(process);
  }

  /** A process is gone, with all that it served. */
  processEnded(process: string): void {
    for (const gates of this.servers.values()) gates.delete(process);
  }

  sent(name: string, session: string, sentAt: number): RequestRecord {
    const story: RequestRecord = { name, session, sentAt, executions: [], answers: [], steps: [] };
    this.records.set(name, story);
    return story;
  }

  all(): RequestRecord[] {
    return [...this.records.values()];
  }

  executed(name: string, time: number): void {
    const story = this.records.get(name);
    if (story) story.executions.push(time);
    else this.unknownRequests.push(name);
  }

  arrival(process: string, session: string, name: string): void {
    append(this.arrived, `${process}/${session}`, name);
  }

  start(process: string, session: string, name: string): void {
    append(this.started, `${process}/${session}`, name);
  }
}

function append(lists: Map<string, string[]>, key: string, item: string): void {
  const list = lists.get(key);
  if (list) list.push(item);
  else lists.set(key, [item]);
}
