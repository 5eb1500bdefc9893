import { beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock } from '#lib/testing/manual-clock';
import type { DataFolder } from '../data-folder/index.js';
import { GatewayConfig } from '../gateway.config.js';
import { LoginFailed, RenewalRefused } from './open-id/open-id.errors.js';
import type { OpenIdProvider, ProviderTokens } from './open-id/open-id-provider.js';
import { MemoryPageSessionStore } from './page-session-store.js';
import { PageSessions } from './page-sessions.js';
import { SameOrigin, type PageRequest } from './same-origin.js';
import { SessionCookie } from './session-cookie.js';
import { SessionWatch } from './session-watch.js';

const HOST = 'localhost:4444';
const ADA = { issuer: 'https://login.example.com', subject: 'ada' };
const MINUTE_MS = 60_000;
const folder = { secrets: { session: Buffer.alloc(32, 7) } } as unknown as DataFolder;

/** A provider whose answers a test gives, and which records what it was asked. */
class FakeProvider {
  readonly renewed: string[] = [];
  readonly revoked: string[] = [];
  answer: () => Promise<Partial<ProviderTokens>> = async () => ({});

  async renew(refreshToken: string): Promise<ProviderTokens> {
    this.renewed.push(refreshToken);
    const tokens = await this.answer();
    const number = this.renewed.length;
    return {
      accessToken: `token-${number}`,
      refreshToken: `refresh-${number}`,
      expiresInMs: 10 * MINUTE_MS,
      ...tokens,
    };
  }
  revoke(refreshToken: string): void {
    this.revoked.push(refreshToken);
  }
}

let clock: ManualClock;
let provider: FakeProvider;
let store: MemoryPageSessionStore;
let worker: PageSessions;

const createWorker = () => {
  const config = new GatewayConfig();
  const client = provider as unknown as OpenIdProvider;
  const cookie = new SessionCookie(config, folder);
  return new PageSessions(store, cookie, new SameOrigin(config), client, new SessionWatch(store, clock), clock);
};

beforeEach(() => {
  Logger.overrideLogger(false);
  clock = new ManualClock();
  provider = new FakeProvider();
  store = new MemoryPageSessionStore(clock);
  worker = createWorker();
});

async function open(refreshToken?: string, request: PageRequest = { headers: {} }) {
  const tokenEndsAt = clock.now() + 10 * MINUTE_MS;
  const login = { principal: ADA, token: 'token-0', tokenEndsAt, loginMethod: 'openId', refreshToken } as const;
  const { setCookie } = await worker.open(login, request);
  return { method: 'GET', headers: { host: HOST, cookie: setCookie.split(';')[0] } };
}

describe('a session without a refresh token', () => {
  it('ends with its token', async () => {
    const request = await open();
    await clock.advance(10 * MINUTE_MS - 1);
    expect(await worker.authorizationOf(request)).toBe('Bearer token-0');
    await clock.advance(1);
    await expect(worker.authorizationOf(request)).rejects.toMatchObject({ httpStatus: 401 });
  });

  it('ends after twelve hours, however long its token is valid', async () => {
    const tokenEndsAt = clock.now() + 90 * 24 * 60 * MINUTE_MS;
    const login = { principal: ADA, token: 't', tokenEndsAt, loginMethod: 'token' } as const;
    const { setCookie, session } = await worker.open(login, { headers: {} });
    expect([session.endsAt, setCookie]).toEqual([
      clock.now() + 12 * 60 * MINUTE_MS,
      expect.stringContaining('Max-Age=43200;'),
    ]);
  });
});

it('a login ends the session that the browser had before, and revokes its refresh token', async () => {
  const before = await open('refresh-0');
  const after = await open('refresh-9', before);
  expect(await worker.authorizationOf(after)).toBe('Bearer token-0');
  await expect(worker.authorizationOf(before)).rejects.toMatchObject({ httpStatus: 401 });
  expect(provider.revoked).toEqual(['refresh-0']);
});

describe('a session with a refresh token', () => {
  it('renews its token a minute before it expires, and lasts twelve hours', async () => {
    const request = await open('refresh-0');
    await clock.advance(9 * MINUTE_MS - 1);
    expect(await worker.authorizationOf(request)).toBe('Bearer token-0');
    await clock.advance(1);
    expect(await worker.authorizationOf(request)).toBe('Bearer token-1');
    await clock.advance(9 * MINUTE_MS);
    expect(await worker.authorizationOf(request)).toBe('Bearer token-2');
    expect(provider.renewed).toEqual(['refresh-0', 'refresh-1']);
    await clock.advance(12 * 60 * MINUTE_MS);
    await expect(worker.authorizationOf(request)).rejects.toMatchObject({ httpStatus: 401 });
  });

  it('keeps a refresh token that the provider does not replace', async () => {
    provider.answer = async () => ({ refreshToken: undefined });
    const request = await open('refresh-0');
    for (let count = 0; count < 2; count += 1) {
      await clock.advance(9 * MINUTE_MS);
      await worker.authorizationOf(request);
    }
    expect(provider.renewed).toEqual(['refresh-0', 'refresh-0']);
  });

  it('is renewed once, however many requests of however many workers need it', async () => {
    let finish = (): void => undefined;
    provider.answer = () => new Promise((resolve) => (finish = () => resolve({})));
    const other = createWorker();
    const request = await open('refresh-0');
    await clock.advance(10 * MINUTE_MS);
    const answers = [worker, worker, other, other].map((each) => each.authorizationOf(request));
    await clock.advance(0);
    finish();
    await clock.advance(100);
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 4 }, () => 'Bearer token-1'));
    expect(provider.renewed).toEqual(['refresh-0']);
  });

  it('is renewed once, however late the provider answers', async () => {
    provider.answer = () => new Promise(() => undefined);
    const request = await open('refresh-0');
    await clock.advance(10 * MINUTE_MS);
    void worker.authorizationOf(request);
    await clock.advance(0);
    // As long as the metadata and the token may take together.
    await clock.advance(20_000);
    createWorker()
      .authorizationOf(request)
      .catch(() => undefined);
    await clock.advance(0);
    expect(provider.renewed).toEqual(['refresh-0']);
  });

  it('serves requests with its present token while another worker renews it', async () => {
    provider.answer = () => new Promise(() => undefined);
    const request = await open('refresh-0');
    await clock.advance(9 * MINUTE_MS);
    void worker.authorizationOf(request);
    await clock.advance(0);
    expect(await createWorker().authorizationOf(request)).toBe('Bearer token-0');
  });

  it('ends when the provider refuses the renewal', async () => {
    provider.answer = async () => {
      throw new RenewalRefused('invalid_grant');
    };
    const request = await open('refresh-0');
    await clock.advance(9 * MINUTE_MS);
    await expect(worker.authorizationOf(request)).rejects.toMatchObject({ httpStatus: 401 });
    await expect(worker.authorizationOf(request)).rejects.toMatchObject({ httpStatus: 401 });
    expect(provider.renewed).toHaveLength(1);
  });

  it('lasts while the provider cannot be reached: with its token, then with 503 until the provider answers', async () => {
    const unreachable = async () => {
      throw new LoginFailed('The OpenID provider cannot be reached.');
    };
    provider.answer = unreachable;
    const request = await open('refresh-0');
    await clock.advance(9 * MINUTE_MS);
    expect(await worker.authorizationOf(request)).toBe('Bearer token-0');
    await clock.advance(MINUTE_MS);
    await expect(worker.authorizationOf(request)).rejects.toMatchObject({ httpStatus: 503 });
    provider.answer = async () => ({});
    expect(await worker.authorizationOf(request)).toMatch(/^Bearer token-/);
  });

  it('is not brought back by a renewal that a logout has overtaken', async () => {
    let finish = (): void => undefined;
    provider.answer = () => new Promise((resolve) => (finish = () => resolve({})));
    const request = await open('refresh-0');
    await clock.advance(9 * MINUTE_MS);
    const renewed = worker.authorizationOf(request);
    await clock.advance(0);
    await createWorker().end({
      ...request,
      method: 'DELETE',
      headers: { ...request.headers, origin: `http://${HOST}` },
    });
    finish();
    await expect(renewed).rejects.toMatchObject({ httpStatus: 401 });
    expect(provider.revoked).toEqual(['refresh-0', 'refresh-1']);
  });
});
