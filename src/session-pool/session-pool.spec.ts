import { afterEach, describe, expect, it } from '@jest/globals';
import { SystemClock } from '#lib/time';
import { callerOf } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { limits, sessionStart } from './session-pool-fixture.js';
import { SessionPool } from './session-pool.js';
import type { SessionPoolConfig } from './session-pool.config.js';

const pools: SessionPool[] = [];

function poolOf(settings: Partial<SessionPoolConfig> = {}): SessionPool {
  const pool = new SessionPool(limits(settings), new SystemClock());
  pools.push(pool);
  return pool;
}

afterEach(() => {
  for (const pool of pools.splice(0)) pool.onApplicationShutdown();
});

const startFor = (subject: string) => sessionStart({ caller: callerOf(subject) });

describe('the sessions of a worker', () => {
  it('finds a session by id until it ends', () => {
    const pool = poolOf();
    const session = pool.open(startFor('a'));
    expect(pool.find(session.id)).toBe(session);
    session.end();
    expect(pool.find(session.id)).toBeUndefined();
    expect(session.isEnded).toBe(true);
  });

  it('limits the sessions of each principal without affecting other principals', () => {
    const pool = poolOf({ maxSessionsPerPrincipal: 2 });
    const first = pool.open(startFor('a'));
    pool.open(startFor('a'));
    expect(() => pool.open(startFor('a'))).toThrow(expect.objectContaining({ code: -31003, httpStatus: 429 }));
    pool.open(startFor('b'));
    first.end();
    first.end();
    pool.open(startFor('a'));
    expect(() => pool.open(startFor('a'))).toThrow('Session limit reached for this principal.');
  });

  it('limits what the clients of each principal declare, without affecting other principals', () => {
    const pool = poolOf({ maxDeclaredBytesPerPrincipal: 100_000 });
    const declaring = (subject: string) => ({
      ...startFor(subject),
      client: { revision: '2025-11-25', capabilities: { experimental: { note: { text: 'x'.repeat(40_000) } } } },
    });
    const first = pool.open(declaring('a'));
    pool.open(declaring('a'));
    const limited = expect.objectContaining({
      code: -31003,
      httpStatus: 429,
      data: { outcome: 'not_executed', retriable: true, retryAfterMs: 5_000 },
    });
    expect(() => pool.open(declaring('a'))).toThrow(limited);
    const streaming = pool.open(startFor('a'));
    expect(() => pool.setClient(streaming, declaring('a').client)).toThrow(limited);
    pool.open(declaring('b'));
    first.end();
    pool.setClient(streaming, declaring('a').client);
    expect(() => pool.open(declaring('a'))).toThrow(limited);
    streaming.end();
    pool.open(declaring('a'));
  });

  it('limits the sessions of the worker', () => {
    const pool = poolOf({ maxSessions: 2 });
    pool.open(startFor('a'));
    pool.open(startFor('b'));
    expect(() => pool.open(startFor('c'))).toThrow(expect.objectContaining({ code: -31003, httpStatus: 503 }));
    expect(pool.size).toBe(2);
  });

  it('ends sessions that have been idle for too long', () => {
    const pool = poolOf({ sessionIdleMs: 1_000 });
    const [idle, streaming, calling, used] = [
      pool.open(startFor('a')),
      pool.open(startFor('a')),
      pool.open(startFor('a')),
      pool.open(startFor('a')),
    ];
    const later = Date.now() + 1_500;
    streaming.openServerStream(new RecordingSink());
    calling.beginCall(1, 'tools/call');
    used.lastUsedAt = later;
    pool.evictIdle(later);
    expect([idle, streaming, calling, used].map(({ isEnded: ended }) => ended)).toEqual([true, false, false, false]);
    expect(pool.size).toBe(3);
  });

  it('ends all sessions when the worker shuts down', () => {
    const pool = poolOf();
    const sessions = [pool.open(startFor('a')), pool.open(startFor('b'))];
    pool.onApplicationShutdown();
    expect(sessions.every(({ isEnded: ended }) => ended)).toBe(true);
    expect(pool.size).toBe(0);
  });
});
