import { declarationBytesOf, type ClientProfile } from '#lib/mcp-protocol';
import { PrincipalTotals } from './principal-totals.js';
import { DeclarationLimitReached } from './session-pool.errors.js';

/** Counts the bytes that the clients of each principal with live sessions declare about themselves. */
export class DeclarationBudget {
  private readonly bytes = new PrincipalTotals();

  constructor(private readonly maxBytesPerPrincipal: number) {}

  /** @throws DeclarationLimitReached when the declarations of another client exceed the budget of the principal */
  assertCapacity(principal: string, client: ClientProfile): void {
    const bytes = this.bytes.of(principal) + declarationBytesOf(client);
    if (bytes > this.maxBytesPerPrincipal) throw new DeclarationLimitReached(this.maxBytesPerPrincipal);
  }

  /** Counts the profile that a session has from now on, and no longer the one that it had. */
  replace(principal: string, before: ClientProfile | undefined, now: ClientProfile | undefined): void {
    this.bytes.add(principal, sizeOf(now) - sizeOf(before));
  }
}

const sizeOf = (client: ClientProfile | undefined): number => (client === undefined ? 0 : declarationBytesOf(client));
