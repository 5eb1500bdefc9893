import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { callerOf, LEGACY_CLIENT } from '../../test/support/fake-upstream.js';
import { HandoffCipher } from './handoff-cipher.js';

const profile = { era: 'legacy', revision: '2025-11-25', capabilities: {} } as const;
const heritage = {
  record: { id: 'a session', caller: callerOf('me'), endpoint: 'a', client: LEGACY_CLIENT },
  upstreams: [{ server: 'a', sessionId: 'known-to-the-server', profile, lastId: 3 }],
  watched: [{ server: 'a', own: 'file:///x', uri: 'a+file:///x' }],
};
const secret = randomBytes(32);
const seal = new HandoffCipher(secret);

describe('what goes to an heir', () => {
  it('is opened by the worker that it is for, with the same secret', () => {
    expect(new HandoffCipher(secret).decrypt(seal.encrypt(heritage, 'heir'), 'heir')).toEqual(heritage);
  });

  it('shows nothing to whoever listens', () => {
    const closed = Buffer.from(seal.encrypt(heritage, 'heir'), 'base64url').toString('latin1');
    for (const text of ['known-to-the-server', 'a session', 'file:///x']) expect(closed).not.toContain(text);
    expect(seal.encrypt(heritage, 'heir')).not.toBe(seal.encrypt(heritage, 'heir'));
  });

  it('is opened by nobody else', () => {
    const closed = seal.encrypt(heritage, 'heir');
    expect(seal.decrypt(closed, 'another')).toBeUndefined();
    expect(new HandoffCipher(randomBytes(32)).decrypt(closed, 'heir')).toBeUndefined();
  });

  it('is refused when any of it was changed, and so is what never was one', () => {
    const bytes = Buffer.from(seal.encrypt(heritage, 'heir'), 'base64url');
    for (let index = 0; index < bytes.length; index += 7) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
      expect(seal.decrypt(changed.toString('base64url'), 'heir')).toBeUndefined();
    }
    for (const other of [undefined, 1, {}, '', 'AAAA', bytes.subarray(0, 30).toString('base64url')]) {
      expect(seal.decrypt(other, 'heir')).toBeUndefined();
    }
  });
});
