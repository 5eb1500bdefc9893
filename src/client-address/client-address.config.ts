import { BlockList, isIP } from 'node:net';
import { IsArray, IsIn, ValidateBy } from 'class-validator';
import { Env } from '#lib/config';

const HEADERS = ['X-Forwarded-For', 'Forwarded'] as const;

/** Adds an IP address or a network in CIDR notation. Returns false for any other text. */
export function addNetwork(list: BlockList, text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  const longest = version === 4 ? 32 : 128;
  const length = prefix === undefined ? longest : Number(prefix);
  const isPrefix = prefix === undefined || /^\d{1,3}$/.test(prefix);
  if (version === 0 || rest.length > 0 || !isPrefix || length > longest) return false;
  list.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6');
  return true;
}

const isNetwork = (value: unknown): boolean => typeof value === 'string' && addNetwork(new BlockList(), value);

/** The proxies in front of the gateway. */
export class ClientAddressConfig {
  /**
   * IP addresses and networks of the proxies in front of the gateway: `10.0.0.5, 10.1.0.0/16`. A request from one of them has the
   * address of the client that the proxy names. Without proxies, and from everywhere else, a request has the address of its
   * connection. List only proxies that append the address of their own client to the header.
   */
  @Env('ISTHMUS_TRUSTED_PROXIES')
  @IsArray()
  @ValidateBy(
    { name: 'isNetwork', validator: { validate: isNetwork } },
    { each: true, message: 'each must be an IP address or a network in CIDR notation, such as 10.1.0.0/16' },
  )
  readonly trustedProxies: readonly string[] = [];

  /**
   * The header in which trusted proxies name the client: `X-Forwarded-For` or `Forwarded` (RFC 7239). Only this header is read,
   * because a proxy passes on the other one as the client sent it.
   */
  @Env('ISTHMUS_TRUSTED_PROXY_HEADER')
  @IsIn(HEADERS, { message: `must be ${HEADERS.join(' or ')}` })
  readonly header: (typeof HEADERS)[number] = 'X-Forwarded-For';
}
