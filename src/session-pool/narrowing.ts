import type { Caller } from '#lib/extension-kit';

/**
 * Returns the servers that a token is limited to, as a text that is equal for equal limits; undefined for a token for all
 * servers. What is bound to a principal is bound to this limit too: a narrower token must not use what a wider one opened.
 */
export function toNarrowing({ servers }: Pick<Caller, 'servers'>): string | undefined {
  return servers && JSON.stringify([...new Set(servers)].toSorted());
}

export function hasSameNarrowing(one: Caller, other: Caller): boolean {
  return one.servers === other.servers || toNarrowing(one) === toNarrowing(other);
}
