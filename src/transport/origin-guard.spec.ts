import { describe, expect, it } from '@jest/globals';
import { GatewayConfig } from '../gateway.config.js';
import { OriginConfig } from './origin.config.js';
import { OriginGuard, type OriginHeaders } from './origin-guard.js';

const guardWith = (origin: Partial<OriginConfig> = {}, gateway: Partial<GatewayConfig> = {}) =>
  new OriginGuard(Object.assign(new OriginConfig(), origin), Object.assign(new GatewayConfig(), gateway));

const verdict = (guard: OriginGuard, headers: OriginHeaders) => guard.check(headers)?.httpStatus ?? 'served';

describe('OriginGuard with default settings', () => {
  const guard = guardWith();

  it.each(['localhost', 'localhost:4444', 'LOCALHOST:1', '127.0.0.1:4444', '[::1]:4444', '[::1]'])(
    'accepts the host %s',
    (host) => expect(verdict(guard, { host })).toBe('served'),
  );

  it.each([
    'evil.example.com',
    'evil.example.com:4444',
    'localhost.evil.example.com',
    'localhost:4444.evil.example.com',
    '127.0.0.1.evil.example.com',
    'evil@localhost',
    '192.168.0.1',
    '0.0.0.0',
    '',
  ])('rejects the host %j', (host) => expect(verdict(guard, { host })).toBe(403));

  it('rejects a request without a host', () => expect(verdict(guard, {})).toBe(403));

  it.each(['http://localhost', 'http://localhost:3000', 'https://127.0.0.1:1', 'http://[::1]:6274'])(
    'accepts the origin %s',
    (origin) => expect(verdict(guard, { host: 'localhost', origin })).toBe('served'),
  );

  it.each([
    'http://evil.example.com',
    'https://localhost.evil.example.com',
    'http://localhost@evil.example.com',
    'chrome-extension://abc',
    'file://localhost',
    'null',
    '',
    'localhost',
  ])('rejects the origin %j', (origin) => expect(verdict(guard, { host: 'localhost', origin })).toBe(403));

  it('returns the same verdict for a repeated value', () => {
    for (const _ of [1, 2]) {
      expect(verdict(guard, { host: 'localhost', origin: 'http://evil.example.com' })).toBe(403);
      expect(verdict(guard, { host: 'localhost', origin: 'http://localhost' })).toBe('served');
    }
  });

  it('returns an error that names the setting and has outcome not_executed', () => {
    const fault = guard.check({ host: 'evil.example.com' });
    expect(fault?.message).toMatch(/ISTHMUS_ALLOWED_HOSTS/);
    expect(fault?.toRpcError()).toMatchObject({ code: -31009, data: { outcome: 'not_executed', retriable: false } });
  });
});

describe('OriginGuard with configured hosts and origins', () => {
  it('accepts listed hosts with any port unless the entry names one', () => {
    const guard = guardWith({ hosts: ['mcp.example.com', 'Other.example.com:8443'] });
    expect(verdict(guard, { host: 'mcp.example.com:1234' })).toBe('served');
    expect(verdict(guard, { host: 'other.example.com:8443' })).toBe('served');
    expect(verdict(guard, { host: 'other.example.com' })).toBe(403);
    expect(verdict(guard, { host: 'localhost' })).toBe('served');
  });

  it('accepts listed origins only with the same scheme and port', () => {
    const guard = guardWith({ origins: ['https://app.example.com', 'http://App.example.com:81'] });
    const from = (origin: string) => verdict(guard, { host: 'localhost', origin });
    expect(from('https://app.example.com')).toBe('served');
    expect(from('https://app.example.com:443')).toBe('served');
    expect(from('http://app.example.com:81')).toBe('served');
    expect(from('http://app.example.com')).toBe(403);
    expect(from('https://sub.app.example.com')).toBe(403);
  });

  it('accepts every host and origin for `*`', () => {
    const guard = guardWith({ hosts: ['*'], origins: ['*'] });
    expect(verdict(guard, { host: 'any.example.com', origin: 'https://any.example.com' })).toBe('served');
  });

  it('accepts its bound address and its public URL', () => {
    const guard = guardWith({}, { host: '192.168.0.7', publicUrl: 'https://mcp.example.com' });
    expect(verdict(guard, { host: '192.168.0.7:4444' })).toBe('served');
    expect(verdict(guard, { host: 'mcp.example.com', origin: 'https://mcp.example.com' })).toBe('served');
    expect(verdict(guardWith({}, { host: '0.0.0.0' }), { host: '0.0.0.0' })).toBe(403);
  });
});
