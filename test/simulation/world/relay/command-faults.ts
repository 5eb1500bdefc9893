/** What may happen to one command on its way. `nth`: counted over the decisive commands of all workers, from 0. */
export type CommandFault = { readonly kind: 'lose-command' | 'lose-answer'; readonly nth: number };

/** Commands that decide something. Heartbeats are not counted: they come all the time. */
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
