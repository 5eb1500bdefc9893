/** One message that reached a server or a trap. */
export interface Arrival {
  readonly verb: string;
  readonly path: string;
  readonly method?: string;
  /** Tool, when it is a call. */
  readonly tool?: string;
  /** `arguments.call`: tests give each call a mark of its own. */
  readonly call?: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What a hostile server saw and did. */
export class Counters {
  /** Every request that arrived, in order. */
  readonly arrivals: Arrival[] = [];
  /** What a redirect lured to a place where nothing should ever arrive. */
  readonly trapped: Arrival[] = [];
  /** Bytes written into endless answers. */
  flooded = 0;
  /** Endless and hanging answers that the other side has closed. */
  abandoned = 0;

  /** How often the call with this mark ran. */
  runs(call: string): number {
    return this.arrivals.filter((arrival) => arrival.call === call).length;
  }

  /** How often any call of this tool ran. */
  runsOf(tool: string): number {
    return this.arrivals.filter((arrival) => arrival.tool === tool).length;
  }
}
