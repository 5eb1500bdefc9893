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
const SPECIAL_V6 = [
  '::/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
];

/** Checks the address of a server whose URL came over the admin API: public addresses and allowed networks pass. */
export class AddressGuard {
  private readonly special = toBlockList([...SPECIAL_V4, ...SPECIAL_V6]);
  private readonly allowed: BlockList;

  /** `allowed`: networks in CIDR notation. */
  constructor(allowed: readonly string[]) {
    this.allowed = toBlockList(allowed);
  }

  /** Returns false for a text that is not an IP address, too. */
  allows(address: string): boolean {
    const bare = address.replace(/%.*$/, '');
    const version = isIP(bare);
    if (version === 0) return false;
    const family = version === 4 ? 'ipv4' : 'ipv6';
    return this.allowed.check(bare, family) || !this.special.check(bare, family);
  }
}

/** Returns whether a text is a network in CIDR notation (RFC 4632, RFC 4291): `10.0.0.0/8`, `fd00::/8`. */
export function isNetwork(text: unknown): boolean {
  const [, address = '', prefix] = /^([\da-fA-F:.]+)\/(\d{1,3})$/.exec(String(text)) ?? [];
  const version = isIP(address);
  return version !== 0 && Number(prefix) <= (version === 4 ? 32 : 128);
}

/** A BlockList also matches an IPv4 address in its IPv6 form (`::ffff:10.0.0.1`). */
function toBlockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    list.addSubnet(address, Number(prefix), isIP(address) === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
