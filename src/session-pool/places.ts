import type { GatewayError } from '#lib/extension-kit';

/** Limits how many slots each holder may occupy at a time. */
export class Places {
  private readonly taken = new Map<string, number>();

  constructor(private readonly limit: number) {}

  /**
   * Acquires a slot for a holder and returns the function that releases it. At the limit, `evict` may first free a
   * slot.
   *
   * @throws the error that `createError` returns if no slot is free
   */
  take(whose: string, makeRoom: () => void, refusal: (limit: number) => GatewayError): () => void {
    if (this.of(whose) >= this.limit) makeRoom();
    if (this.of(whose) >= this.limit) throw refusal(this.limit);
    this.taken.set(whose, this.of(whose) + 1);
    return () => {
      const left = this.of(whose) - 1;
      if (left > 0) this.taken.set(whose, left);
      else this.taken.delete(whose);
    };
  }

  private of(whose: string): number {
    return this.taken.get(whose) ?? 0;
  }
}
