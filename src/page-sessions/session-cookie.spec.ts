import { describe, expect, it } from '@jest/globals';
import type { DataFolder } from '../data-folder/index.js';
import { GatewayConfig } from '../gateway.config.js';
import { SameOrigin } from './same-origin.js';
import { SessionCookie } from './session-cookie.js';

const ID = 'a'.repeat(43);
const configOf = (publicUrl?: string) => Object.assign(new GatewayConfig(), { ...(publicUrl && { publicUrl }) });
const cookieOf = (publicUrl?: string, secret = 7) =>
  new SessionCookie(configOf(publicUrl), { secrets: { session: Buffer.alloc(32, secret) } } as unknown as DataFolder);

describe('the session cookie', () => {
  it('is secure and below the path of a public URL with https', () => {
    expect(cookieOf('https://example.com/tools/').write(ID, 60)).toMatch(
      /^__Secure-isthmus-admin-\w{8}=a{43}; Path=\/tools\/admin; Max-Age=60; HttpOnly; SameSite=Strict; Secure$/,
    );
  });

  it('is read among other cookies', () => {
    const cookie = cookieOf();
    const pair = cookie.write(ID, 60).split(';')[0];
    expect(cookie.read({ cookie: `theme=dark; ${pair}; a=b` })).toBe(ID);
    expect(cookie.read({ cookie: `x${pair}` })).toBeUndefined();
    expect(cookie.read({})).toBeUndefined();
  });

  it('is not read when there are two, one of which a page at another host of the domain may have set', () => {
    const cookie = cookieOf();
    const [pair, other] = [ID, 'b'.repeat(43)].map((id) => cookie.write(id, 60).split(';')[0]);
    expect(cookie.read({ cookie: `${other}; ${pair}` })).toBeUndefined();
    expect(cookie.isSent({ cookie: `${other}; ${pair}` })).toBe(true);
  });

  it('has another name for another gateway, because browsers send it to every port of a host', () => {
    const [one, other] = [cookieOf(undefined, 1), cookieOf(undefined, 2)];
    expect(other.read({ cookie: one.write(ID, 60).split(';')[0] })).toBeUndefined();
  });

  it('is not the cookie of a login under way, which the browser sends when the provider leads back', () => {
    const cookie = cookieOf();
    const login = cookie.writeLogin('x', 60);
    expect(login).toMatch(/; Path=\/admin\/ui\/callback; .*SameSite=Lax/);
    expect([cookie.readLogin({ cookie: login.split(';')[0] }), cookie.isSent({ cookie: login })]).toEqual(['x', false]);
  });
});

describe('the origin of a request', () => {
  const accepts = (publicUrl: string | undefined, headers: Record<string, string>, method = 'POST') =>
    new SameOrigin(configOf(publicUrl)).accepts({ method, headers });

  it.each([
    ['without a public URL', undefined, 'localhost:4444', 'http://localhost:4444', true],
    ['behind a proxy that adds TLS', undefined, 'mcp.internal', 'https://mcp.internal', true],
    ['of another port', undefined, 'localhost:4444', 'http://localhost:4445', false],
    ['of another host', undefined, 'localhost:4444', 'http://127.0.0.1:4444', false],
    ['of the public URL', 'https://example.com/tools', 'example.com', 'https://example.com', true],
    ['of the public URL behind a proxy', 'https://example.com', '10.0.0.1:4444', 'https://example.com', true],
    ['of the public host over http', 'https://example.com', 'example.com', 'http://example.com', false],
    ['of a longer name', 'https://example.com', 'example.com', 'https://example.com.evil.example', false],
  ])('%s is judged', (_what, publicUrl, host, origin, isOwn) => {
    expect(accepts(publicUrl, { host, origin })).toBe(isOwn);
  });

  it.each([
    ['GET', {}, true],
    ['GET', { 'sec-fetch-site': 'none' }, true],
    ['GET', { 'sec-fetch-site': 'same-site' }, false],
    ['POST', {}, false],
    ['POST', { 'sec-fetch-site': 'none' }, false],
    ['POST', { 'sec-fetch-site': 'same-origin' }, true],
  ])('is judged without Origin for %s with %j', (method, headers, isOwn) => {
    expect(accepts(undefined, { host: 'localhost:4444', ...headers }, method)).toBe(isOwn);
  });
});
