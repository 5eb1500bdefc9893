import { isIP } from 'node:net';

const LOOPBACK = '127.0.0.1';

/**
 * Returns the IP address that a URL names without a look-up: an address literal in any spelling (decimal, octal, hexadecimal,
 * shortened, with a final dot), or the loopback address for `localhost` and the names below it (RFC 6761, 6.3). Undefined for
 * other names and for a text that is not a URL.
 */
export function findLiteralAddress(url: string): string | undefined {
  // The URL parser converts every spelling of an IPv4 address to its dotted form and refuses IPv6 zone identifiers.
  const host = URL.parse(url)
    ?.hostname.replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
  if (host === undefined || host === '') return undefined;
  if (isIP(host) !== 0) return host;
  return /^(?:.*\.)?localhost$/i.test(host) ? LOOPBACK : undefined;
}
