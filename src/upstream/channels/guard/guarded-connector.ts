import { lookup as resolve, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import type { AddressGuard } from './address-guard.js';

/** The server's address is none that it may have. */
export class AddressForbidden extends Error {
  override readonly name = 'AddressForbidden';

  constructor() {
    super('The address of the server is not public, and not among the allowed networks.');
  }
}

/** Finds the addresses of a host name. */
export type Resolver = (
  host: string,
  found: (fault: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

const SYSTEM_RESOLVER: Resolver = (host, found) => resolve(host, { all: true, verbatim: true }, found);

/**
 * Connects to allowed addresses only. A name is judged by the very addresses that the connection is then made to, each time
 * it is made: that they were public a moment ago does not help anybody.
 */
export function guardedConnector(
  guard: AddressGuard,
  options: buildConnector.BuildOptions,
  resolver: Resolver = SYSTEM_RESOLVER,
): buildConnector.connector {
  const lookup: LookupFunction = (host, { all, family }, told) => {
    resolver(host, (fault, addresses) => {
      if (fault) return told(fault, []);
      const wanted = addresses.filter((one) => guard.allows(one.address) && (!family || one.family === family));
      const [first] = wanted;
      if (!first) return told(new AddressForbidden(), []);
      if (all === true) told(null, wanted);
      else told(null, first.address, first.family);
    });
  };
  const connect = buildConnector({ ...options, lookup });
  return (target, connected) => {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    // What is an address already is looked up by nobody.
    if (isIP(host) !== 0 && !guard.allows(host)) return connected(new AddressForbidden(), null);
    return connect(target, connected);
  };
}
