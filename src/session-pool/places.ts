import type { GatewayError } from '#lib/extension-kit';

/** Counts what there may be only so many of at a time, for each of those for whom it is counted. */
export class Places {
  private readonly taken = new Map<string, number>();

  constructor(private readonly limit: number) {}

  /**
   * Takes a place. At the bound `makeRoom` may first end what nobody needs. Returns how to give the place back.
   * @throws what `refusal` makes
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
