import { describe, expect, it } from '@jest/globals';
import { ConnectionNotHeld } from '../connections/testing.js';
import { SessionMoved, SessionUnknown } from './affinity.errors.js';

describe('the reply to an order that this worker cannot execute', () => {
  it('reports an unknown session or connection in a form that no upstream server can produce', () => {
    expect(new SessionUnknown().toReply()).toEqual({ kind: 'gone' });
    expect(new ConnectionNotHeld().toReply()).toEqual({ kind: 'not-held' });
  });

  it('names the new owner when a session was handed off', () => {
    expect(new SessionMoved('new owner').toReply()).toEqual({ kind: 'moved', to: 'new owner' });
  });
});
