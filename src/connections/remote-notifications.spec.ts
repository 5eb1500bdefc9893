import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { failure } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { callerOf, LEGACY_CLIENT } from '../../test/support/fake-upstream.js';
import { sessionLost } from '../upstream/testing.js';
import { connectionOwner, server } from './connection-owner-fixture.js';
import { isNotRun } from './connections.errors.js';
import { LinkedBus } from './linked-bus-fixture.js';
import { RemoteConnection } from './remote-connection.js';

const CHANGED = { method: 'notifications/roots/list_changed', params: {} };

let there: ReturnType<typeof connectionOwner>;
let clock: ManualClock;
let bus: LinkedBus;

beforeEach(() => {
  clock = new ManualClock();
  there = connectionOwner(clock);
  bus = new LinkedBus('here');
  bus.workers.set('there', there.serves);
});

afterEach(() => there.pool.close());

function connect(): Promise<RemoteConnection> {
  const target = { worker: 'there', server, caller: callerOf('me'), client: LEGACY_CLIENT };
  return RemoteConnection.open(bus, target, { notify: () => undefined, closed: () => undefined }, clock);
}

describe('a connection that another worker owns', () => {
  it('reports a notification that its server has not accepted', async () => {
    const refused = failure({ code: -31004, message: 'No', data: { outcome: 'unknown', retriable: false } }, 502);
    there.connector.receive = () => refused;
    expect(await (await connect()).notify(CHANGED)).toEqual(refused);
  });

  it.each([
    ['the server lost the session', () => (there.connector.receive = () => sessionLost('child'))],
    ['its worker is gone', () => bus.workers.clear()],
  ])('reports a notification that needs a new connection because %s', async (_why, lose) => {
    const connection = await connect();
    lose();
    expect(isNotRun(await connection.notify(CHANGED))).toBe(true);
    expect([isNotRun(await connection.notify(CHANGED)), connection.closed]).toEqual([true, true]);
  });
});
