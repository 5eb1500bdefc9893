import { BlockList, isIP } from 'node:net';

/** Addresses that are not public (IANA special-purpose address registries, RFC 6890) or that embed another address. */
const SPECIAL_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/**
 * Everything but global unicast (`2000::/3`), and the parts of that which are special or embed an IPv4 address. An allowlist,
 * because the rest of the space holds many ways to write an IPv4 address: compatible, translated (`::ffff:0:0:0/96`), and
 * those of NAT64 (`64:ff9b::/96`, `64:ff9b:1::/48`).
 */
const SPECIAL_V6 = ['::/3', '4000::/2', '8000::/1', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

/** Length of the prefix of IPv4-mapped addresses (`::ffff:0:0/96`). */
const MAPPED_PREFIX = 96;

/** Checks the address of a server whose URL came over the admin API: public addresses and allowed networks pass. */
export class AddressGuard {
  private readonly special = toBlockLists([...SPECIAL_V4, ...SPECIAL_V6]);
  private readonly allowed: BlockLists;

  /** `allowed`: networks in CIDR notation. */
  constructor(allowed: readonly string[] = []) {
    this.allowed = toBlockLists(allowed);
  }

  /** Returns false for a text that is not an IP address, too. */
  allows(address: string): boolean {
    const bare = toUnmapped(address.replace(/%.*$/, ''));
    const version = isIP(bare);
    if (version === 0) return false;
    const family = version === 4 ? 'ipv4' : 'ipv6';
    return this.allowed[family].check(bare, family) || !this.special[family].check(bare, family);
  }
}

/** Returns the IPv4 address of an IPv4-mapped one (`::ffff:10.0.0.1`), which connects to that address; else the same text. */
function toUnmapped(address: string): string {
  if (isIP(address) !== 6) return address;
  const canonical = URL.parse(`http://[${address}]/`)?.hostname ?? '';
  const [, high, low] = /^\[::ffff:([\da-f]{1,4}):([\da-f]{1,4})\]$/.exec(canonical) ?? [];
  if (high === undefined || low === undefined) return address;
  const [upper, lower] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [upper >> 8, upper & 0xff, lower >> 8, lower & 0xff].join('.');
}

/** Returns whether a text is a network in CIDR notation (RFC 4632, RFC 4291): `10.0.0.0/8`, `fd00::/8`. */
export function isNetwork(text: unknown): boolean {
  const [, address = '', prefix] = /^([\da-fA-F:.]+)\/(\d{1,3})$/.exec(String(text)) ?? [];
  const version = isIP(address);
  return version !== 0 && Number(prefix) <= (version === 4 ? 32 : 128);
}

/** One list per family: a single BlockList compares an IPv4 address with IPv6 networks too, so that `::/3` matches all of them. */
type BlockLists = Readonly<Record<'ipv4' | 'ipv6', BlockList>>;

function toBlockLists(networks: readonly string[]): BlockLists {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const network of networks) {
    const [written = '', prefix] = network.split('/');
    const address = toUnmapped(written);
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    const isMapped = address !== written;
    lists[family].addSubnet(address, Math.max(0, Number(prefix) - (isMapped ? MAPPED_PREFIX : 0)), family);
  }
  return lists;
}
