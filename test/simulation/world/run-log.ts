/** The outcome that a client's answer states. `executed`: the call ran and failed at the server. */
export type Verdict = 'success' | 'not_executed' | 'executed' | 'unknown';

/** An answer and the time at which the client received it. */
export interface TimedAnswer {
  readonly time: number;
  readonly verdict: Verdict;
  /** The server's token in a successful answer. */
  readonly token?: string;
  /** The gateway's reason, if any. */
  readonly why?: string;
}

/** Everything that happened to one request. */
export interface RequestRecord {
  readonly name: string;
  readonly session: string;
  readonly sentAt: number;
  /** Times at which a server started to execute it. */
  readonly executions: number[];
  readonly answers: TimedAnswer[];
  /** Numbers of the progress steps that the client received. */
  readonly steps: number[];
}

/** Records all events of a run for the invariants. */
export class RunLog {
  private readonly records = new Map<string, RequestRecord>();
  /** Requests in the order of their arrival and of their start, by process and session. */
  readonly arrived = new Map<string, string[]>();
  readonly started = new Map<string, string[]>();
  /** Executed requests that no client has sent. */
  readonly unknownRequests: string[] = [];

  /** The processes that currently serve each session. */
  private readonly servers = new Map<string, Set<string>>();
  /** Sessions that two processes served at the same time. */
  readonly doublyServed: string[] = [];

  servingStarted(session: string, process: string): void {
    const gates = (this.servers.get(session) ?? new Set()).add(process);
    this.servers.set(session, gates);
    if (gates.size > 1) this.doublyServed.push(`${session} at ${[...gates].join(' and ')}`);
  }

  servingStopped(session: string, process: string): void {
    this.servers.get(session)?.delete(process);
  }

  /** Removes an ended process from all sessions. */
  processEnded(process: string): void {
    for (const gates of this.servers.values()) gates.delete(process);
  }

  sent(name: string, session: string, sentAt: number): RequestRecord {
    const record: RequestRecord = { name, session, sentAt, executions: [], answers: [], steps: [] };
    this.records.set(name, record);
    return record;
  }

  all(): RequestRecord[] {
    return [...this.records.values()];
  }

  executed(name: string, time: number): void {
    const record = this.records.get(name);
    if (record) record.executions.push(time);
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
