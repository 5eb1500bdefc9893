/** One message that reached a server or a trap. */
export interface Arrival {
  readonly verb: string;
  readonly path: string;
  readonly method?: string;
  /** Name of the tool, for a call. */
  readonly tool?: string;
  /** `arguments.call`: the unique mark that a test gives to each call. */
  readonly call?: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Counts what reached a hostile server and what the server sent. */
export class Counters {
  /** Every request that arrived, in order. */
  readonly arrivals: Arrival[] = [];
  /** Requests that followed a redirect to a trap. */
  readonly trapped: Arrival[] = [];
  /** Bytes written to endless answers. */
  flooded = 0;
  /** Endless and hanging answers that the client has closed. */
  abandoned = 0;

  /** Number of executions of the call with this mark. */
  runs(call: string): number {
    return this.arrivals.filter((arrival) => arrival.call === call).length;
  }

  /** Number of executions of all calls of this tool. */
  runsOf(tool: string): number {
    return this.arrivals.filter((arrival) => arrival.tool === tool).length;
  }
}
