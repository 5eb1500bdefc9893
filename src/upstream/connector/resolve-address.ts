import { lookup } from 'node:dns/promises';
import type { AddressGuard } from '#lib/address-guard';
import { toFaultOutcome } from '#lib/mcp-protocol';
import { toOutcomeError } from '../upstream.errors.js';

/**
 * Resolves the name of a host to its first address that the guard allows. Connect to that address: a second resolution could give
 * another one.
 */
export async function resolveAddress(host: string, guard: AddressGuard | undefined): Promise<string> {
  const found = await lookup(host.replace(/^\[(.*)\]$/, '$1'), { all: true, verbatim: true });
  const first = found.find(({ address }) => guard?.allows(address) ?? true);
  if (first === undefined) throw toOutcomeError(toFaultOutcome('forbidden'));
  return first.address;
}
