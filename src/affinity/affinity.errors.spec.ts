import { describe, expect, it } from '@jest/globals';
import { SessionMoved, SessionUnknown } from './affinity.errors.js';
import { ConnectionNotHeld } from '../connections/index.js';

describe('what a handler of the inbox throws', () => {
  it('says that there is no such session or connection in words that no server can use', () => {
    expect(new SessionUnknown().toReply()).toEqual({ kind: 'gone' });
    expect(new ConnectionNotHeld().toReply()).toEqual({ kind: 'not-held' });
  });

  it('names the worker that a session went to', () => {
    expect(new SessionMoved('heir').toReply()).toEqual({ kind: 'moved', to: 'heir' });
  });
});
