import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { callerOf, LEGACY_CLIENT, settled } from '../../test/support/fake-upstream.js';
import { SessionPool, SessionPoolConfig } from '../session-pool/index.js';
import { createSessionAdmission } from './session-admission.js';
import { PendingHandoffs } from './pending-handoffs.js';
import { PoolPattern } from '../connections/testing.js';
import { SessionPattern } from './session-orders.js';

const START = {
  id: 'id',
  caller: callerOf('me'),
  endpoint: 'a',
  client: LEGACY_CLIENT,
  answersOnStandingStream: false,
};

let sessions: SessionPool;
let moves: PendingHandoffs;

const admit = (payload: unknown, pattern: string = SessionPattern.call) =>
  createSessionAdmission(sessions, moves)(pattern, payload);

beforeEach(() => {
  sessions = new SessionPool(new SessionPoolConfig());
  moves = new PendingHandoffs();
});

afterEach(() => sessions.onApplicationShutdown());

describe('an order about a session', () => {
  it('is admitted where the session lives', () => {
    sessions.open(START);
    expect(admit({ session: 'id' })).toBeUndefined();
  });

  it('is refused where the session is unknown or over', () => {
    expect(admit({ session: 'id' })).toEqual({ reason: 'session_gone' });
    sessions.open(START).end();
    expect(admit({ session: 'id' })).toEqual({ reason: 'session_gone' });
  });

  it('is sent on where the session was given away', () => {
    sessions.open(START);
    sessions.handOff('id', 'heir');
    expect(admit({ session: 'id' })).toEqual({ reason: 'session_moved', detail: 'heir' });
  });

  it('waits where the session is just leaving: nobody knows yet who takes it', async () => {
    sessions.open(START);
    const move = Promise.withResolvers<void>();
    sessions.handOff('id', 'heir');
    moves.add('id', move.promise);
    expect(admit({ session: 'id' })).toBeUndefined();
    move.resolve();
    await settled();
    expect(admit({ session: 'id' })).toEqual({ reason: 'session_moved', detail: 'heir' });
  });
});

it.each<[string, string, unknown]>([
  ['a session that is given away', SessionPattern.adopt, { heritage: 'closed' }],
  ['a connection', PoolPattern.request, { part: 'a' }],
  ['nothing', SessionPattern.call, null],
  ['a session that has no name', SessionPattern.call, { session: 7 }],
  ['a list', SessionPattern.call, ['id']],
])('an order about %s is left to its handler', (_name, pattern, payload) => {
  expect(admit(payload, pattern)).toBeUndefined();
});
