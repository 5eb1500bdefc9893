import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { callerOf, LEGACY_CLIENT } from '../../test/support/fake-upstream.js';
import { HandoffCipher } from './handoff-cipher.js';

const profile = { era: 'legacy', revision: '2025-11-25', capabilities: {} } as const;
const payload = {
  record: { id: 'a session', caller: callerOf('me'), endpoint: 'a', client: LEGACY_CLIENT },
  upstreams: [{ server: 'a', sessionId: 'known-to-the-server', profile, lastId: 3 }],
  watched: [{ server: 'a', own: 'file:///x', uri: 'a+file:///x' }],
};
const secret = randomBytes(32);
const cipher = new HandoffCipher(secret);

describe('HandoffCipher', () => {
  it('decrypts a handoff payload for its receiver with the same secret', () => {
    expect(new HandoffCipher(secret).decrypt(cipher.encrypt(payload, 'receiver'), 'receiver')).toEqual(payload);
  });

  it('hides the content of a handoff payload and encrypts it differently each time', () => {
    const encrypted = Buffer.from(cipher.encrypt(payload, 'receiver'), 'base64url').toString('latin1');
    for (const text of ['known-to-the-server', 'a session', 'file:///x']) expect(encrypted).not.toContain(text);
    expect(cipher.encrypt(payload, 'receiver')).not.toBe(cipher.encrypt(payload, 'receiver'));
  });

  it('does not decrypt a handoff payload for another receiver or with another secret', () => {
    const encrypted = cipher.encrypt(payload, 'receiver');
    expect(cipher.decrypt(encrypted, 'another')).toBeUndefined();
    expect(new HandoffCipher(randomBytes(32)).decrypt(encrypted, 'receiver')).toBeUndefined();
  });

  it('rejects an altered handoff payload and anything that is not one', () => {
    const bytes = Buffer.from(cipher.encrypt(payload, 'receiver'), 'base64url');
    for (let index = 0; index < bytes.length; index += 7) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
      expect(cipher.decrypt(changed.toString('base64url'), 'receiver')).toBeUndefined();
    }
    for (const other of [undefined, 1, {}, '', 'AAAA', bytes.subarray(0, 30).toString('base64url')]) {
      expect(cipher.decrypt(other, 'receiver')).toBeUndefined();
    }
  });
});
