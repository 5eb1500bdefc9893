import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { callerOf, LEGACY_CLIENT } from '../../test/support/fake-upstream.js';
import { HeritageSeal } from './heritage-seal.js';

const profile = { era: 'legacy', revision: '2025-11-25', capabilities: {} } as const;
const heritage = {
  record: { id: 'a session', caller: callerOf('me'), endpoint: 'a', client: LEGACY_CLIENT },
  upstreams: [{ server: 'a', sessionId: 'known-to-the-server', profile, lastId: 3 }],
  watched: [{ server: 'a', own: 'file:///x', uri: 'a+file:///x' }],
};
const secret = randomBytes(32);
const seal = new HeritageSeal(secret);

describe('HandoffCipher', () => {
  it('decrypts a handoff payload for its receiver with the same secret', () => {
    expect(new HeritageSeal(secret).open(seal.close(heritage, 'heir'), 'heir')).toEqual(heritage);
  });

  it('hides the content of a handoff payload and encrypts it differently each time', () => {
    const closed = Buffer.from(seal.close(heritage, 'heir'), 'base64url').toString('latin1');
    for (const text of ['known-to-the-server', 'a session', 'file:///x']) expect(closed).not.toContain(text);
    expect(seal.close(heritage, 'heir')).not.toBe(seal.close(heritage, 'heir'));
  });

  it('does not decrypt a handoff payload for another receiver or with another secret', () => {
    const closed = seal.close(heritage, 'heir');
    expect(seal.open(closed, 'another')).toBeUndefined();
    expect(new HeritageSeal(randomBytes(32)).open(closed, 'heir')).toBeUndefined();
  });

  it('rejects an altered handoff payload and anything that is not one', () => {
    const bytes = Buffer.from(seal.close(heritage, 'heir'), 'base64url');
    for (let index = 0; index < bytes.length; index += 7) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
      expect(seal.open(changed.toString('base64url'), 'heir')).toBeUndefined();
    }
    for (const other of [undefined, 1, {}, '', 'AAAA', bytes.subarray(0, 30).toString('base64url')]) {
      expect(seal.open(other, 'heir')).toBeUndefined();
    }
  });
});
