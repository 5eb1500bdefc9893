import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { remoteServer } from '../../test/support/fake-upstream.js';
import { AdaptiveTimeout } from './adaptive-timeout.js';

const never = () => new Promise<string>(() => undefined);
const succeeded = () => true;

describe('AdaptiveTimeout', () => {
  it('waits in full for the new definition of a server that was late', async () => {
    const clock = new ManualClock();
    const timeout = new AdaptiveTimeout(1_000, clock);
    const server = remoteServer('slow');
    const late = timeout.run(server, never, succeeded);
    await clock.advance(1_000);
    expect(await late).toBeUndefined();
    const { promise, resolve } = Promise.withResolvers<string>();
    const soon = timeout.run(server, () => promise, succeeded);
    const patient = timeout.run(remoteServer('slow'), () => promise, succeeded);
    await clock.advance(500);
    resolve('answer');
    expect(await soon).toBeUndefined();
    expect(await patient).toBe('answer');
  });

  it('starts no more work of a late server while eight requests to it are unfinished', async () => {
    const clock = new ManualClock();
    const timeout = new AdaptiveTimeout(1_000, clock);
    const server = remoteServer('slow');
    for (let request = 0; request < 8; request += 1) void timeout.run(server, never, succeeded);
    await clock.advance(1_000);
    let hasStarted = false;
    const more = timeout.run(server, async () => (hasStarted = true), succeeded);
    expect(await more).toBeUndefined();
    expect(hasStarted).toBe(false);
  });
});
