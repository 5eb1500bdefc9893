import { AddressGuard, compileGlobs, findLiteralAddress } from '#lib/extension-kit';

/** The beginning of a URL within a text after its scheme, also one without a scheme (`//host`) or with backslashes. */
const AUTHORITIES = /[/\\]{2}([^\s"'`<>()[\]{}/\\?#,;|]{1,512}|\[[\da-f:.%]{2,64}\](?::\d{1,5})?)/gi;
/** A host with an optional port and path as the whole text. */
const BARE_HOST =
  /^(?:[^\s/?#@\\]{1,255}@)?(?:\[[\da-f:.]{2,45}\]|[\p{L}\p{N}_.-]{1,255})(?::\d{1,5})?(?:[/?#].{0,4096})?$/iu;

const PUBLIC_ADDRESSES = new AddressGuard();
/** Domains that are never public (RFC 6761, RFC 6762, RFC 8375, and the one that ICANN reserves for private use). */
const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home\.arpa|corp|home)$/;

/**
 * The hosts of all URLs in a form of a text, as a client would connect to them: in ASCII (punycode) and lower case, addresses in their
 * canonical form, without a final dot. Undefined for what is no host.
 */
export function* hostsIn(form: string): Generator<string | undefined> {
  for (const [, authority = ''] of form.matchAll(AUTHORITIES)) yield toHost(authority);
  const text = form.trim();
  if (BARE_HOST.test(text)) yield toBareHost(text);
  if (/^[a-z][a-z\d+.-]*:/i.test(text)) yield hostOf(text);
}

/** Only a scheme that all clients know has hosts that the parser converts to one form. */
const toHost = (authority: string): string | undefined =>
  isPlainName(authority) ? authority.toLowerCase() : hostOf(`http://${authority}`);

/** Names that the parser of URLs leaves as they are. A last label that begins with a digit may be part of an address. */
const isPlainName = (authority: string): boolean =>
  /^(?:[a-z\d-]+\.)*[a-z][a-z\d-]*$/i.test(authority) && !/xn--/i.test(authority);

const hostOf = (url: string): string | undefined =>
  URL.parse(url)?.hostname.replace(/\.$/, '').toLowerCase() || undefined;

/** The text is a host only if it has a dot, a port or brackets: most words are none. `localhost` is one. */
function toBareHost(text: string): string | undefined {
  const isHost = /[.:[]|^localhost$/i.test(text.replace(/[/?#].*$/s, '')) || /^0x[\da-f]+$|^\d{8,}$/i.test(text);
  return isHost ? toHost(text) : undefined;
}

/** Returns whether a host is this machine, in a private network, or a name without a domain. Names are not resolved. */
export function isInternalHost(host: string): boolean {
  const address = findLiteralAddress(`http://${host}`);
  if (address !== undefined) return !PUBLIC_ADDRESSES.allows(address);
  return PRIVATE_NAME.test(host) || !host.includes('.');
}

/** Compiles patterns of hosts, which are compared in ASCII. */
export const compileHosts = (patterns: readonly string[]): ((host: string) => boolean) =>
  compileGlobs(patterns.map(toAsciiPattern));

const STAR = 'isthmus-star';

function toAsciiPattern(pattern: string): string {
  const lower = pattern.toLowerCase().replace(/\.$/, '');
  return (toHost(lower.replaceAll('*', STAR)) ?? lower).replaceAll(STAR, '*');
}
