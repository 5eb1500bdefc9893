import { lookup as resolve, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import type { AddressGuard } from './address-guard.js';

/** Connections to the address are not allowed. */
export class AddressForbidden extends Error {
  override readonly name = 'AddressForbidden';

  constructor() {
    super('The address is neither public nor in an allowed network (ISTHMUS_ALLOWED_NETWORKS).');
  }
}

/** Resolves the addresses of a host name. */
export type Resolver = (
  host: string,
  found: (fault: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

const SYSTEM_RESOLVER: Resolver = (host, found) => resolve(host, { all: true, verbatim: true }, found);

/**
 * Connects to allowed addresses only. The check uses the resolved addresses to which the connection is then made, and
 * runs for every connection: an earlier check could be bypassed by DNS rebinding.
 */
export function guardedConnector(
  guard: AddressGuard,
  options: buildConnector.BuildOptions,
  resolver: Resolver = SYSTEM_RESOLVER,
): buildConnector.connector {
  const lookup: LookupFunction = (host, { all, family }, callback) => {
    resolver(host, (fault, addresses) => {
      if (fault) return callback(fault, []);
      const allowed = addresses.filter((one) => guard.allows(one.address) && (!family || one.family === family));
      const [first] = allowed;
      if (!first) return callback(new AddressForbidden(), []);
      if (all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
  const connect = buildConnector({ ...options, lookup });
  return (target, connected) => {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    // An address literal is never resolved, so `lookup` would not check it.
    if (isIP(host) !== 0 && !guard.allows(host)) return connected(new AddressForbidden(), null);
    return connect(target, connected);
  };
}
