import { BlockList, isIP } from 'node:net';
import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import { addNetwork, ClientAddressConfig } from './client-address.config.js';

/** The part of an HTTP request that determines the address of its client. */
export interface AddressedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** Maximum number of proxies in a row. Further entries of the header are not read. */
const MAX_HOPS = 16;

/** Determines the address of the client behind trusted proxies. */
@Injectable()
export class ClientAddresses {
  private readonly proxies = new BlockList();
  private readonly hasProxies: boolean;
  private readonly readHops: (headers: IncomingHttpHeaders) => readonly string[];

  constructor({ trustedProxies, header }: ClientAddressConfig) {
    for (const proxy of trustedProxies) addNetwork(this.proxies, proxy);
    this.hasProxies = trustedProxies.length > 0;
    this.readHops = header === 'Forwarded' ? readForwarded : readForwardedFor;
  }

  /** Returns undefined when the connection has no IP address, as over a Unix socket. */
  of({ headers, socket }: AddressedRequest): string | undefined {
    let address = parseAddress(socket.remoteAddress ?? '');
    if (!this.hasProxies || address === undefined || !this.isProxy(address)) return address;
    for (const hop of this.readHops(headers).toReversed().slice(0, MAX_HOPS)) {
      const next = parseAddress(hop);
      if (next === undefined) break;
      address = next;
      if (!this.isProxy(address)) break;
    }
    return address;
  }

  private isProxy(address: string): boolean {
    return this.proxies.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
  }
}

const MAPPED_V4 = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;
/** `192.0.2.1:443`, `[2001:db8::1]` or `[2001:db8::1]:443`. */
const WITH_PORT = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d{1,5})?$/;

/** Returns an IP address without its port; IPv4-mapped IPv6 addresses as IPv4. Undefined for any other text. */
function parseAddress(text: string): string | undefined {
  const [, v6, v4] = WITH_PORT.exec(text) ?? [];
  const address = v6 ?? v4 ?? text;
  const mapped = MAPPED_V4.exec(address)?.[1];
  const plain = mapped ?? address;
  return isIP(plain) === 0 ? undefined : plain;
}

function readForwardedFor(headers: IncomingHttpHeaders): readonly string[] {
  return toText(headers['x-forwarded-for']).split(',').map(trimBlanks);
}

const FOR = /(?:^|;)[ \t]*for[ \t]*=[ \t]*(?:"([^"]*)"|([^\s;,"]*))[ \t]*(?=;|$)/i;

/**
 * One element per proxy; an element without a valid `for` counts as an unknown client (RFC 7239, 4). A comma always separates
 * elements, so that an open quotation mark of the client cannot hide those of the proxies.
 */
function readForwarded(headers: IncomingHttpHeaders): readonly string[] {
  return toText(headers['forwarded'])
    .split(',')
    .map((element) => {
      const isPartOfQuotation = element.split('"').length % 2 === 0;
      const [, quoted, token] = isPartOfQuotation ? [] : (FOR.exec(trimBlanks(element)) ?? []);
      return quoted ?? token ?? '';
    });
}

/** Node joins repeated headers in their order. */
const toText = (value: string | readonly string[] | undefined): string =>
  value === undefined ? '' : typeof value === 'string' ? value : value.join(',');

const trimBlanks = (text: string): string => text.replace(/^[ \t]+|[ \t]+$/g, '');
