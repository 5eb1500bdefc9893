import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ANONYMOUS, type Caller } from '#lib/extension-kit';
import { Incarnation, SessionIds } from './session-ids.js';

const me = new Incarnation();
const key = randomBytes(32);
const ids = new SessionIds(key, me);

const callerOf = (issuer: string, subject: string): Caller => ({ ...ANONYMOUS, principal: { issuer, subject } });
const caller = fc.tuple(fc.string(), fc.string()).map(([issuer, subject]) => callerOf(issuer, subject));

describe('a session id', () => {
  it('is read by the principal and at the endpoint that it was minted for', () => {
    fc.assert(
      fc.property(caller, fc.string(), (owner, endpoint) => {
        expect(ids.read(ids.mint(owner, endpoint), owner, endpoint)).toEqual({ owner: me.text });
      }),
    );
  });

  it('is read by nobody else and nowhere else', () => {
    const binding = fc.tuple(fc.string(), fc.string(), fc.string());
    fc.assert(
      fc.property(binding, binding, (mine, other) => {
        fc.pre(JSON.stringify(mine) !== JSON.stringify(other));
        const id = ids.mint(callerOf(mine[0], mine[1]), mine[2]);
        expect(ids.read(id, callerOf(other[0], other[1]), other[2])).toBeUndefined();
      }),
    );
  });

  it('is not confused by what moves from one part of its binding to the next', () => {
    const id = ids.mint(callerOf('a', 'bc'), 'd');
    for (const [issuer, subject, endpoint] of [
      ['ab', 'c', 'd'],
      ['a', 'b', 'cd'],
      ['a","bc', '', 'd'],
    ] as const) {
      expect(ids.read(id, callerOf(issuer, subject), endpoint)).toBeUndefined();
    }
  });

  it('is refused when any bit of it is changed', () => {
    const owner = callerOf('issuer', 'me');
    const bytes = Buffer.from(ids.mint(owner, 'default'), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(ids.read(changed.toString('base64url'), owner, 'default')).toBeUndefined();
    }
  });

  it('has one spelling', () => {
    const owner = callerOf('issuer', 'me');
    const id = ids.mint(owner, 'default');
    for (const other of [
      `${id}=`,
      `${id} `,
      ` ${id}`,
      `${id}A`,
      id.slice(0, -1),
      `${id.slice(0, 5)}\n${id.slice(5)}`,
    ]) {
      expect(ids.read(other, owner, 'default')).toBeUndefined();
    }
  });

  it('is nothing that anybody could make up', () => {
    const text = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc.uint8Array({ minLength: 50, maxLength: 50 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
    );
    fc.assert(fc.property(text, (id) => expect(ids.read(id, callerOf('issuer', 'me'), 'default')).toBeUndefined()));
  });

  it('is new each time, and fit for a header and a URL', () => {
    const owner = callerOf('issuer', 'me');
    const minted = new Set(Array.from({ length: 1_000 }, () => ids.mint(owner, 'default')));
    expect(minted.size).toBe(1_000);
    for (const id of minted) expect(id).toMatch(/^[\w-]{67}$/);
  });

  it('names its worker, and is read by every worker that has the key', () => {
    const owner = callerOf('issuer', 'me');
    const another = new SessionIds(key, new Incarnation());
    expect(another.read(ids.mint(owner, 'default'), owner, 'default')).toEqual({ owner: me.text });
    const stranger = new SessionIds(randomBytes(32), me);
    expect(stranger.read(ids.mint(owner, 'default'), owner, 'default')).toBeUndefined();
  });
});
