/** @waits */
import { describe, expect, it } from '@jest/globals';
import { ConfigFault, loadConfig, type Variables } from '#lib/config';
import { RedisConfig } from './index.js';

const configOf = (variables: Variables) => loadConfig([RedisConfig], variables)[0];

function faultsOf(variables: Variables): readonly string[] {
  try {
    configOf(variables);
    return [];
  } catch (fault) {
    return fault instanceof ConfigFault ? fault.faults : [String(fault)];
  }
}

describe('the Redis settings', () => {
  it('configure no Redis by default', () => {
    expect(configOf({}).topology).toBeUndefined();
    expect(configOf({}).keyPrefix).toBe('isthmus:');
  });

  it.each([
    ['redis://redis.internal', { host: 'redis.internal', port: 6379 }, { database: 0 }],
    ['redis://127.0.0.1:6380/3', { host: '127.0.0.1', port: 6380 }, { database: 3 }],
    ['redis://:p%40ss@h', { host: 'h', port: 6379 }, { database: 0, password: 'p@ss' }],
    [
      'rediss://me:pass@[::1]:7000',
      { host: '::1', port: 7000 },
      { database: 0, username: 'me', password: 'pass', tls: {} },
    ],
    ['127.0.0.1:6380', { host: '127.0.0.1', port: 6380 }, { database: 0 }],
  ])('configure one server: %s', (url, address, access) => {
    const config = configOf({ ISTHMUS_REDIS_URL: url });
    expect(config.topology).toEqual({ kind: 'single', address });
    expect(config.access).toEqual(access);
  });

  it('let user and password override those in the URL', () => {
    const config = configOf({
      ISTHMUS_REDIS_URL: 'redis://me:old@h',
      ISTHMUS_REDIS_USERNAME: 'other',
      ISTHMUS_REDIS_PASSWORD: 'new',
    });
    expect(config.access).toEqual({ database: 0, username: 'other', password: 'new' });
  });

  it('configure Sentinels and their master', () => {
    const config = configOf({
      ISTHMUS_REDIS_SENTINELS: 'a, b:27000',
      ISTHMUS_REDIS_SENTINEL_MASTER: 'main',
      ISTHMUS_REDIS_SENTINEL_PASSWORD: 'watch',
    });
    expect(config.topology).toEqual({
      kind: 'sentinel',
      sentinels: [
        { host: 'a', port: 26379 },
        { host: 'b', port: 27000 },
      ],
      master: 'main',
      password: 'watch',
    });
  });

  it('configure the nodes of a cluster', () => {
    const config = configOf({ ISTHMUS_REDIS_CLUSTER: 'rediss://a,rediss://b:7001', ISTHMUS_REDIS_PASSWORD: 'p' });
    expect(config.topology).toEqual({
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 6379 },
        { host: 'b', port: 7001 },
      ],
    });
    expect(config.access).toEqual({ database: 0, password: 'p', tls: {} });
  });

  it.each<[string, Variables, RegExp[]]>([
    ['a URL with another scheme', { ISTHMUS_REDIS_URL: 'http://h' }, [/^ISTHMUS_REDIS_URL: must have the form redis:/]],
    ['a database with a name', { ISTHMUS_REDIS_URL: 'redis://h/main' }, [/^ISTHMUS_REDIS_URL: must have the form/]],
    [
      'several kinds of Redis',
      { ISTHMUS_REDIS_URL: 'redis://h', ISTHMUS_REDIS_CLUSTER: 'a', ISTHMUS_REDIS_SENTINELS: 'b' },
      [
        /^ISTHMUS_REDIS_SENTINELS: cannot be combined with/,
        /^ISTHMUS_REDIS_CLUSTER: cannot/,
        /SENTINEL_MASTER: is missing/,
      ],
    ],
    [
      'a master without Sentinels',
      { ISTHMUS_REDIS_SENTINEL_MASTER: 'm' },
      [/^ISTHMUS_REDIS_SENTINEL_MASTER: has no effect/],
    ],
    ['a password without a Redis', { ISTHMUS_REDIS_PASSWORD: 'secret' }, [/^ISTHMUS_REDIS_PASSWORD: has no effect/]],
    [
      'a user without a password',
      { ISTHMUS_REDIS_URL: 'redis://me@h' },
      [/^ISTHMUS_REDIS_USERNAME: requires a password/],
    ],
    ['a malformed address', { ISTHMUS_REDIS_CLUSTER: 'a,:::' }, [/^ISTHMUS_REDIS_CLUSTER: must be a list/]],
    [
      'a mixture of TLS and plain addresses',
      { ISTHMUS_REDIS_CLUSTER: 'a,rediss://b' },
      [/^ISTHMUS_REDIS_CLUSTER: must use rediss/],
    ],
    [
      'a password in a list',
      { ISTHMUS_REDIS_CLUSTER: 'redis://:secret@b' },
      [/^ISTHMUS_REDIS_CLUSTER: must not contain users/],
    ],
    [
      'certificate authorities without TLS, in a missing file',
      { ISTHMUS_REDIS_URL: 'redis://h', ISTHMUS_REDIS_TLS_CA: '/nowhere' },
      [/^ISTHMUS_REDIS_TLS_CA: has no effect without TLS/, /^ISTHMUS_REDIS_TLS_CA: cannot be read/],
    ],
    ['a prefix with a hash tag', { ISTHMUS_REDIS_KEY_PREFIX: '{a}' }, [/^ISTHMUS_REDIS_KEY_PREFIX: must be at most/]],
  ])('refuse %s', (_, variables, expected) => {
    const faults = faultsOf(variables);
    expect(faults).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
    expect(faults.join()).not.toContain('secret');
  });
});
