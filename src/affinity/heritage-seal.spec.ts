import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { callerOf, LEGACY_CLIENT } from '../../test/support/fake-upstream.js';
import { HeritageSeal } from './heritage-seal.js';

const profile = { era: 'legacy', revision: '2025-11-25', capabilities: {} } as const;
const payload = {
  record: { id: 'a session', caller: callerOf('me'), endpoint: 'a', client: LEGACY_CLIENT },
  upstreams: [{ server: 'a', sessionId: 'known-to-the-server', profile, lastId: 3 }],
  watched: [{ server: 'a', own: 'file:///x', uri: 'a+file:///x' }],
};
const secret = randomBytes(32);
const cipher = new HeritageSeal(secret);

describe('HandoffCipher', () => {
  it('decrypts a handoff payload for its receiver with the same secret', () => {
    expect(new HeritageSeal(secret).open(cipher.close(payload, 'receiver'), 'receiver')).toEqual(payload);
  });

  it('hides the content of a handoff payload and encrypts it differently each time', () => {
    const encrypted = Buffer.from(cipher.close(payload, 'receiver'), 'base64url').toString('latin1');
    for (const text of ['known-to-the-server', 'a session', 'file:///x']) expect(encrypted).not.toContain(text);
    expect(cipher.close(payload, 'receiver')).not.toBe(cipher.close(payload, 'receiver'));
  });

  it('does not decrypt a handoff payload for another receiver or with another secret', () => {
    const encrypted = cipher.close(payload, 'receiver');
    expect(cipher.open(encrypted, 'another')).toBeUndefined();
    expect(new HeritageSeal(randomBytes(32)).open(encrypted, 'receiver')).toBeUndefined();
  });

  it('rejects an altered handoff payload and anything that is not one', () => {
    const bytes = Buffer.from(cipher.close(payload, 'receiver'), 'base64url');
    for (let index = 0; index < bytes.length; index += 7) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
      expect(cipher.open(changed.toString('base64url'), 'receiver')).toBeUndefined();
    }
    for (const other of [undefined, 1, {}, '', 'AAAA', bytes.subarray(0, 30).toString('base64url')]) {
      expect(cipher.open(other, 'receiver')).toBeUndefined();
    }
  });
});
