/** What a client is told about its call, in the words that count. `executed`: it ran and failed there. */
export type Verdict = 'success' | 'not_executed' | 'executed' | 'unknown';

/** The one answer to a request. */
export interface ToldAnswer {
  readonly time: number;
  readonly verdict: Verdict;
  /** What the server is said to have answered, of a success. */
  readonly token?: string;
  /** The gateway's own reason where there is one. */
  readonly why?: string;
}

/** One request as everybody involved saw it. */
export interface Story {
  readonly name: string;
  readonly session: string;
  readonly sentAt: number;
  /** Times at which a server began to run it. */
  readonly executions: number[];
  readonly answers: ToldAnswer[];
  /** Numbers of the steps that the client heard of. */
  readonly steps: number[];
}

/** All that happened, for whoever judges. */
export class Chronicle {
  private readonly stories = new Map<string, Story>();
  /** For each process and session, the requests in the order in which they arrived, and in which they were begun. */
  readonly arrived = new Map<string, string[]>();
  readonly begun = new Map<string, string[]>();
  /** Requests that nobody had made. */
  readonly unheardOf: string[] = [];

  /** For each session, the processes that would serve it now. */
  private readonly gates = new Map<string, Set<string>>();
  /** Sessions that two processes would have served at one moment. */
  readonly forked: string[] = [];

  gateOpened(session: string, process: string): void {
    const gates = (this.gates.get(session) ?? new Set()).add(process);
    this.gates.set(session, gates);
    if (gates.size > 1) this.forked.push(`${session} at ${[...gates].join(' and ')}`);
  }

  gateClosed(session: string, process: string): void {
    this.gates.get(session)?.delete(process);
  }

  /** A process is gone, with all that it served. */
  processEnded(process: string): void {
    for (const gates of this.gates.values()) gates.delete(process);
  }

  sent(name: string, session: string, sentAt: number): Story {
    const story: Story = { name, session, sentAt, executions: [], answers: [], steps: [] };
    this.stories.set(name, story);
    return story;
  }

  all(): Story[] {
    return [...this.stories.values()];
  }

  executed(name: string, time: number): void {
    const story = this.stories.get(name);
    if (story) story.executions.push(time);
    else this.unheardOf.push(name);
  }

  arrival(process: string, session: string, name: string): void {
    append(this.arrived, `${process}/${session}`, name);
  }

  beginning(process: string, session: string, name: string): void {
    append(this.begun, `${process}/${session}`, name);
  }
}

function append(lists: Map<string, string[]>, key: string, item: string): void {
  const list = lists.get(key);
  if (list) list.push(item);
  else lists.set(key, [item]);
}
