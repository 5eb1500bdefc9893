import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '#lib/config';
import { ClientAddressConfig, ClientAddresses } from './index.js';

const PROXIES = '10.0.0.0/8, 192.0.2.7, fd00::/8';

function addressOf(peer: string | undefined, headers: Record<string, string>, settings: Record<string, string> = {}) {
  const [config] = loadConfig([ClientAddressConfig], { ISTHMUS_TRUSTED_PROXIES: PROXIES, ...settings });
  return new ClientAddresses(config).of({ headers, socket: { remoteAddress: peer } });
}

const FORWARDED = { ISTHMUS_TRUSTED_PROXY_HEADER: 'Forwarded' };

describe('ClientAddresses.of', () => {
  it.each([
    ['a connection that is no proxy', '203.0.113.1', '198.51.100.9', '203.0.113.1'],
    ['a proxy', '10.1.1.1', '198.51.100.9', '198.51.100.9'],
    ['a proxy, IPv4-mapped', '::ffff:10.1.1.1', '198.51.100.9', '198.51.100.9'],
    ['a proxy with an IPv6 address', 'fd00::1', '2001:db8::9', '2001:db8::9'],
    ['a proxy whose client claims another address', '10.1.1.1', '1.2.3.4, 198.51.100.9', '198.51.100.9'],
    ['two proxies in a row', '10.1.1.1', '1.2.3.4,198.51.100.9, 192.0.2.7', '198.51.100.9'],
    ['proxies only', '10.1.1.1', '10.2.2.2, 10.3.3.3', '10.2.2.2'],
    ['a proxy, with a port', '10.1.1.1', '198.51.100.9:443', '198.51.100.9'],
    ['a proxy, with an IPv6 address and a port', '10.1.1.1', '[2001:db8::9]:443', '2001:db8::9'],
    ['a proxy, with an IPv4-mapped address', '10.1.1.1', '::ffff:198.51.100.9', '198.51.100.9'],
    ['a proxy that does not know its client', '10.1.1.1', '1.2.3.4, unknown', '10.1.1.1'],
    ['a proxy, with text that is no address', '10.1.1.1', '198.51.100.9\u00a0', '10.1.1.1'],
    ['a proxy, with an empty header', '10.1.1.1', '', '10.1.1.1'],
  ])('reads X-Forwarded-For of %s', (_name, peer, header, expected) => {
    expect(addressOf(peer, { 'x-forwarded-for': header })).toBe(expected);
  });

  it.each([
    ['for=198.51.100.9', '198.51.100.9'],
    ['For="[2001:db8::9]:443";proto=https', '2001:db8::9'],
    ['for=1.2.3.4, by=10.2.2.2;for=198.51.100.9;host=x, for=10.3.3.3', '198.51.100.9'],
    ['for=1.2.3.4, for=_hidden', '10.1.1.1'],
    ['for=1.2.3.4, proto=https', '10.1.1.1'],
    ['for=1.2.3.4, host="x;for=5.6.7.8"', '10.1.1.1'],
    ['for=198.51.100.9;host="x,for=5.6.7.8;"', '10.1.1.1'],
    ['for=", for=198.51.100.9', '198.51.100.9'],
  ])('reads Forwarded: %s', (header, expected) => {
    expect(addressOf('10.1.1.1', { forwarded: header }, FORWARDED)).toBe(expected);
  });

  it('reads only the configured header', () => {
    const headers = { 'x-forwarded-for': '198.51.100.1', forwarded: 'for=198.51.100.2' };
    expect(addressOf('10.1.1.1', headers)).toBe('198.51.100.1');
    expect(addressOf('10.1.1.1', headers, FORWARDED)).toBe('198.51.100.2');
    expect(addressOf('10.1.1.1', { forwarded: 'for=198.51.100.2' })).toBe('10.1.1.1');
  });

  it('reads no header without trusted proxies', () => {
    const headers = { 'x-forwarded-for': '198.51.100.1' };
    expect(addressOf('10.1.1.1', headers, { ISTHMUS_TRUSTED_PROXIES: '' })).toBe('10.1.1.1');
  });

  it('knows no address of a connection without one', () => {
    expect(addressOf(undefined, { 'x-forwarded-for': '198.51.100.1' })).toBeUndefined();
  });
});

it.each(['10.0.0.0/33', 'localhost', '10.0.0.0/8/8', '10.0.0', 'fd00::/129', '*', '10.0.0.1/'])(
  'ISTHMUS_TRUSTED_PROXIES rejects %s',
  (network) => {
    expect(() => loadConfig([ClientAddressConfig], { ISTHMUS_TRUSTED_PROXIES: network })).toThrow(/each must be/);
  },
);
