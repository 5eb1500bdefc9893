import type { GatewayError } from '#lib/extension-kit';

/** Counts what there may be only so many of at a time, for each of those for whom it is counted. */
export class SlotPool {
  private readonly acquired = new Map<string, number>();

  constructor(private readonly limit: number) {}

  /**
   * Takes a place. At the bound `makeRoom` may first end what nobody needs. Returns how to give the place back.
   * @throws what `refusal` makes
   */
  acquire(whose: string, makeRoom: () => void, refusal: (limit: number) => GatewayError): () => void {
    if (this.countFor(whose) >= this.limit) makeRoom();
    if (this.countFor(whose) >= this.limit) throw refusal(this.limit);
    this.acquired.set(whose, this.countFor(whose) + 1);
    return () => {
      const left = this.countFor(whose) - 1;
      if (left > 0) this.acquired.set(whose, left);
      else this.acquired.delete(whose);
    };
  }

  private countFor(whose: string): number {
    return this.acquired.get(whose) ?? 0;
  }
}
