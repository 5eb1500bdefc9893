import { describe, expect, it } from '@jest/globals';
import { AddressGuard, isNetwork } from './address-guard.js';

const guard = new AddressGuard([]);

describe('AddressGuard', () => {
  it.each([
    ['loopback', ['127.0.0.1', '127.255.255.254', '::1']],
    ['unspecified', ['0.0.0.0', '0.1.2.3', '::']],
    ['private (RFC 1918)', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1']],
    ['unique local', ['fc00::1', 'fd12:3456:789a::1']],
    ['link-local', ['169.254.0.1', 'fe80::1', 'fe80::1%eth0']],
    ['cloud metadata', ['169.254.169.254', 'fd00:ec2::254', '100.100.100.200', '192.0.0.192']],
    ['carrier-grade NAT', ['100.64.0.1', '100.127.255.255']],
    ['multicast, broadcast, reserved', ['224.0.0.1', '255.255.255.255', '240.0.0.1', 'ff02::1']],
    ['IPv4 in IPv6', ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::127.0.0.1', '::ffff:0:0']],
    [
      'IPv4 behind a translator',
      ['64:ff9b::7f00:1', '64:ff9b::a00:1', '64:ff9b:1::1', '2002:7f00:1::', '2001:0:7f00:1::'],
    ],
    ['IPv4 translated (RFC 2765)', ['::ffff:0:127.0.0.1', '::ffff:0:7f00:1', '::ffff:0:a9fe:a9fe', '::ffff:0:a00:1']],
    ['IPv4-compatible', ['::7f00:1', '::a00:1', '::8.8.8.8']],
    ['translated public addresses', ['64:ff9b::808:808', '64:ff9b:1:ffff::808:808', '2002:808:808::1']],
    [
      'Teredo and other protocol assignments',
      ['2001::1', '2001:0:4136:e378:8000:63bf:3fff:fdd2', '2001:10::1', '2001:20::1'],
    ],
    ['site-local, discard, segment routing', ['fec0::1', 'feff::1', '100::1', '100:0:0:1::1', '5f00::1']],
    [
      'documentation, benchmark',
      ['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '198.19.255.1', '2001:db8::1', '2001:2::1', '3fff::1'],
    ],
    ['unassigned', ['1fff::1', '4000::1', '8000::1', 'e000::1', 'fe00::1']],
    ['not an address', ['', 'localhost', '127.1', '0x7f000001', '2130706433', '1.2.3.4.5', 'fe80::g']],
  ])('rejects addresses by default: %s', (_name, addresses) => {
    expect(addresses.filter((address) => guard.allows(address))).toEqual([]);
  });

  it('allows public addresses', () => {
    const addresses = [
      '1.1.1.1',
      '8.8.8.8',
      '172.15.0.1',
      '172.32.0.1',
      '100.63.0.1',
      '2606:4700::1111',
      '2a00:1450:4001:81b::200e',
      '3ffe::1',
      '::ffff:8.8.8.8',
      '::ffff:808:808',
    ];
    expect(addresses.filter((address) => !guard.allows(address))).toEqual([]);
  });

  it('isNetwork accepts valid CIDR notation only', () => {
    const good = ['10.0.0.0/8', '0.0.0.0/0', '1.2.3.4/32', 'fd00::/8', '::/0', '::1/128'];
    const bad = ['10.0.0.0', '10.0.0.0/33', '10.0.0/8', 'fd00::/129', 'localhost/8', '10.0.0.0/-1', '10.0.0.0/8 ', ''];
    expect(good.filter((text) => !isNetwork(text))).toEqual([]);
    expect(bad.filter(isNetwork)).toEqual([]);
  });

  it('applies an allowed IPv4-mapped network to IPv4 addresses, and an IPv6 network to no IPv4 address', () => {
    const mapped = new AddressGuard(['::ffff:10.0.0.0/104']);
    expect(['10.9.8.7', '::ffff:10.9.8.7', '11.0.0.1', '127.0.0.1'].map((each) => mapped.allows(each))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    const all = new AddressGuard(['::/0']);
    expect(['10.0.0.1', '::ffff:10.0.0.1', 'fd00::1'].map((each) => all.allows(each))).toEqual([false, false, true]);
  });

  it('allows addresses of the configured networks, and no other special addresses', () => {
    const own = new AddressGuard(['10.1.0.0/16', 'fd00:1::/32', '127.0.0.1/32']);
    const allowed = ['10.1.2.3', '::ffff:10.1.2.3', 'fd00:1::5', '127.0.0.1'];
    expect(allowed.filter((address) => !own.allows(address))).toEqual([]);
    const others = ['10.2.0.1', 'fd00:2::5', '127.0.0.2', '192.168.0.1', '::1'];
    expect(others.filter((address) => own.allows(address))).toEqual([]);
  });
});

describe('AddressGuard for every IPv4 address', () => {
  const FORMS = ['::ffff:', '::', '::ffff:0:', '64:ff9b::', '64:ff9b:1::'];
  const random = randomAddresses(500);

  it('decides an IPv4-mapped address like its IPv4 address, and allows no other embedded form', () => {
    for (const address of random) {
      expect(guard.allows(`::ffff:${address}`)).toBe(guard.allows(address));
      const embedded = FORMS.slice(1).map((form) => `${form}${address}`);
      expect(embedded.filter((text) => guard.allows(text))).toEqual([]);
    }
  });
});

/** Addresses from a linear congruential generator, so that a failure repeats. */
function randomAddresses(count: number): readonly string[] {
  let state = 42;
  const next = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 24;
  return Array.from({ length: count }, () => [next(), next(), next(), next()].join('.'));
}
