import type { GatewayError } from '#lib/extension-kit';

/** Limits how many slots each holder may occupy at a time. */
export class SlotPool {
  private readonly acquired = new Map<string, number>();

  constructor(private readonly limit: number) {}

  /**
   * Acquires a slot for a holder and returns the function that releases it. At the limit, `evict` may first free a
   * slot.
   *
   * @throws the error that `createError` returns if no slot is free
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
