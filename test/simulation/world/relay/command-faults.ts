/** The loss of one command or of its answer. `nth` counts the decisive commands of all workers from 0. */
export type CommandFault = { readonly kind: 'lose-command' | 'lose-answer'; readonly nth: number };

/** The planned faults of decisive commands. Heartbeats are not decisive and are not counted. */
export class CommandFaultPlan {
  private readonly faults = new Map<number, CommandFault['kind']>();
  private count = 0;

  plan({ kind, nth }: CommandFault): void {
    this.faults.set(nth, kind);
  }

  next(): CommandFault['kind'] | undefined {
    const fault = this.faults.get(this.count);
    this.count += 1;
    return fault;
  }
}
