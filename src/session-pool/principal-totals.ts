/** Adds up an amount for each principal with live sessions, such as bytes. */
export class PrincipalTotals {
  private readonly totals = new Map<string, number>();

  of(principal: string): number {
    return this.totals.get(principal) ?? 0;
  }

  add(principal: string, amount: number): void {
    const total = this.of(principal) + amount;
    if (total > 0) this.totals.set(principal, total);
    else this.totals.delete(principal);
  }
}
