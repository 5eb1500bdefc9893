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
  acquire(holder: string, evict: () => void, createError: (limit: number) => GatewayError): () => void {
    if (this.countFor(holder) >= this.limit) evict();
    if (this.countFor(holder) >= this.limit) throw createError(this.limit);
    this.acquired.set(holder, this.countFor(holder) + 1);
    return () => {
      const left = this.countFor(holder) - 1;
      if (left > 0) this.acquired.set(holder, left);
      else this.acquired.delete(holder);
    };
  }

  private countFor(holder: string): number {
    return this.acquired.get(holder) ?? 0;
  }
}
