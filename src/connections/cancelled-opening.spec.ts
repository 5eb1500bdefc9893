import { describe, expect, it } from '@jest/globals';
import { ANONYMOUS } from '#lib/extension-kit';
import { SystemClock } from '#lib/time';
import {
  childServer,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
  settled,
} from '../../test/support/fake-upstream.js';
import { limits } from './connections-fixture.js';
import { UpstreamPool } from './upstream-pool.js';

const ANYBODY = { caller: ANONYMOUS, client: LEGACY_CLIENT, session: undefined };

describe('a request that is cancelled while its connection opens', () => {
  it.each([
    ['legacy server', remoteServer('a'), { maxUpstreamSessionsPerPrincipal: 1 }],
    ['child process', childServer('a'), { maxChildProcesses: 1 }],
  ] as const)('leaves neither a connection nor its slot behind, for an anonymous client of a %s', async (...args) => {
    const [, server, settings] = args;
    const connector = new FakeConnector();
    const pool = new UpstreamPool(connector, limits(settings), new FakeRegistry([server]), new SystemClock());
    const opened = Promise.withResolvers<void>();
    const attempted = Promise.withResolvers<void>();
    connector.beforeOpening = () => (attempted.resolve(), opened.promise);
    const client = new AbortController();
    const holding = pool.hold(server, ANYBODY, { signal: client.signal });
    await attempted.promise;
    client.abort();
    await expect(holding).rejects.toThrow();
    opened.resolve();
    await settled();
    expect(connector.opened.map(({ closedByUs }) => closedByUs)).toEqual([true]);
    (await pool.hold(server, ANYBODY)).release();
    await pool.close();
  });
});
