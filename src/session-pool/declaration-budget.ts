import { declarationBytesOf, type ClientProfile } from '#lib/mcp-protocol';
import { DeclarationLimitReached } from './session-pool.errors.js';

/** Counts the bytes that the clients of each principal with live sessions declare about themselves. */
export class DeclarationBudget {
  private readonly bytes = new Map<string, number>();

  constructor(private readonly maxBytesPerPrincipal: number) {}

  /** @throws DeclarationLimitReached when the declarations of another client exceed the budget of the principal */
  assertCapacity(principal: string, client: ClientProfile): void {
    const bytes = (this.bytes.get(principal) ?? 0) + declarationBytesOf(client);
    if (bytes > this.maxBytesPerPrincipal) throw new DeclarationLimitReached(this.maxBytesPerPrincipal);
  }

  /** Counts the profile that a session has from now on, and no longer the one that it had. */
  replace(principal: string, before: ClientProfile | undefined, now: ClientProfile | undefined): void {
    const bytes = (this.bytes.get(principal) ?? 0) - sizeOf(before) + sizeOf(now);
    if (bytes > 0) this.bytes.set(principal, bytes);
    else this.bytes.delete(principal);
  }
}

const sizeOf = (client: ClientProfile | undefined): number => (client === undefined ? 0 : declarationBytesOf(client));
