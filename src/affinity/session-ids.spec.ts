import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ANONYMOUS, type Caller } from '#lib/extension-kit';
import { SessionIds, type SessionBinding } from './session-ids.js';
import { WorkerId } from '../workers/index.js';

const workerId = new WorkerId();
const key = randomBytes(32);
const ids = new SessionIds(key, workerId);

const REVISION = '2025-11-25';

const callerOf = (issuer: string, subject: string): Caller => ({ ...ANONYMOUS, principal: { issuer, subject } });
const bound = (issuer: string, subject: string, endpoint: string): SessionBinding => ({
  caller: callerOf(issuer, subject),
  endpoint,
  transport: 'http',
});
const mine = bound('issuer', 'me', 'default');

describe('SessionIds', () => {
  it('verifies a session id for the principal and endpoint that it was issued for', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (issuer, subject, endpoint) => {
        const binding = bound(issuer, subject, endpoint);
        expect(ids.read(ids.mint(binding, REVISION), binding)).toEqual({ owner: workerId.text, revision: REVISION });
      }),
    );
  });

  it('rejects a session id for any other principal, endpoint or transport', () => {
    const binding = fc.tuple(fc.string(), fc.string(), fc.string());
    fc.assert(
      fc.property(binding, binding, (one, other) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(other));
        expect(ids.read(ids.mint(bound(...one), REVISION), bound(...other))).toBeUndefined();
      }),
    );
    expect(ids.read(ids.mint(mine, REVISION), { ...mine, transport: 'sse' })).toBeUndefined();
  });

  it('rejects a session id when text moves from one part of its binding to the next', () => {
    const id = ids.mint(bound('a', 'bc', 'd'), REVISION);
    for (const [issuer, subject, endpoint] of [
      ['ab', 'c', 'd'],
      ['a', 'b', 'cd'],
      ['a","bc', '', 'd'],
    ] as const) {
      expect(ids.read(id, bound(issuer, subject, endpoint))).toBeUndefined();
    }
  });

  it('accepts a session id only with a token that is limited to the same servers, whatever their order', () => {
    const slug = fc.constantFrom('a', 'b', 'c', 'a","b');
    const servers = fc.option(fc.array(slug, { maxLength: 4 }), { nil: undefined });
    const limitedTo = (names: string[] | undefined): SessionBinding => ({
      ...mine,
      caller: { ...mine.caller, ...(names && { servers: names }) },
    });
    const normal = (names: string[] | undefined) => names && [...new Set(names)].toSorted();
    fc.assert(
      fc.property(servers, servers, (one, other) => {
        const read = ids.read(ids.mint(limitedTo(one), REVISION), limitedTo(other));
        expect(read !== undefined).toBe(isDeepStrictEqual(normal(one), normal(other)));
      }),
    );
  });

  it('does not accept a session id from its cache for a token that is limited to other servers', () => {
    const id = ids.mint(mine, REVISION);
    expect(ids.read(id, mine)).toBeDefined();
    expect(ids.read(id, { ...mine, caller: { ...mine.caller, servers: ['a'] } })).toBeUndefined();
    expect(ids.read(id, mine)).toBeDefined();
  });

  it('rejects a session id with any bit changed', () => {
    const bytes = Buffer.from(ids.mint(mine, REVISION), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(ids.read(changed.toString('base64url'), mine)).toBeUndefined();
    }
  });

  it('rejects other spellings of the same session id', () => {
    const id = ids.mint(mine, REVISION);
    for (const other of [
      `${id}=`,
      `${id} `,
      ` ${id}`,
      `${id}A`,
      id.slice(0, -1),
      `${id.slice(0, 5)}\n${id.slice(5)}`,
    ]) {
      expect(ids.read(other, mine)).toBeUndefined();
    }
  });

  it('rejects made-up session ids', () => {
    const text = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc.uint8Array({ minLength: 53, maxLength: 53 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
    );
    fc.assert(fc.property(text, (id) => expect(ids.read(id, mine)).toBeUndefined()));
  });

  it('issues unique session ids that are safe in headers and URLs', () => {
    const minted = new Set(Array.from({ length: 1_000 }, () => ids.mint(mine, REVISION)));
    expect(minted.size).toBe(1_000);
    for (const id of minted) expect(id).toMatch(/^[\w-]{71}$/);
  });

  it('verifies a session id on every worker with the same key and returns the id of its worker', () => {
    const another = new SessionIds(key, new WorkerId());
    expect(another.read(ids.mint(mine, REVISION), mine)).toEqual({ owner: workerId.text, revision: REVISION });
    const otherKey = new SessionIds(randomBytes(32), workerId);
    expect(otherKey.read(ids.mint(mine, REVISION), mine)).toBeUndefined();
  });
});
