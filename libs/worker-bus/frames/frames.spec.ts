import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Address } from '../ports/index.js';
import { splitIntoChunks, Joiner } from './chunks.js';
import { EndGate } from './end-gate.js';
import { decodeFrame, encodeFrame, headerBytes, type Frame } from './frame.js';
import { FrameMac } from './frame-mac.js';
import { decodeRequest, encodeRequest } from './request-message.js';

const name = fc.string({ maxLength: 60 });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const frames: fc.Arbitrary<Frame> = fc.record({
  kind: fc.constantFrom('request', 'cancel', 'credit', 'canary', 'accept', 'refuse', 'event', 'end', 'probe'),
  from: name,
  to: name,
  request: name,
  number: fc.nat({ max: 2 ** 47 }),
  more: fc.boolean(),
  payload: bytes,
});

describe('a frame', () => {
  it('decodes to the encoded frame, and its header has the computed length', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        const encoded = encodeFrame(frame);
        expect(decodeFrame(encoded)).toEqual(frame);
        expect(encoded.length).toBe(headerBytes(frame) + frame.payload.length);
      }),
    );
  });

  it('rejects any other bytes without throwing', () => {
    fc.assert(fc.property(bytes, (noise) => decodeFrame(noise) === undefined || noise[0] === 1));
    fc.assert(
      fc.property(
        frames,
        fc.nat({ max: 8 }),
        (frame, cut) => decodeFrame(encodeFrame(frame).subarray(0, cut)) === undefined,
      ),
    );
  });

  it('rejects a frame of an unknown version', () => {
    const frame = encodeFrame({
      kind: 'end',
      from: 'a',
      to: 'b',
      request: 'r',
      number: 0,
      more: false,
      payload: Buffer.alloc(0),
    });
    frame[0] = 2;
    expect(decodeFrame(frame)).toBeUndefined();
  });
});

describe('a MAC', () => {
  const here: Address = { worker: 'here', box: 'inbox' };
  const mac = new FrameMac(Buffer.alloc(32, 1));

  it('verifies what it signed, and rejects a change of any bit', () => {
    fc.assert(
      fc.property(bytes, fc.nat(), fc.nat({ max: 7 }), (content, place, bit) => {
        const signed = mac.sign(here, content);
        expect(mac.verify(here, signed)).toEqual(content);
        const at = place % signed.length;
        signed.writeUInt8(signed.readUInt8(at) ^ (1 << bit), at);
        expect(mac.verify(here, signed)).toBeUndefined();
      }),
    );
  });

  it.each<[string, FrameMac, Address]>([
    ['for another worker', mac, { worker: 'there', box: 'inbox' }],
    ['for another box', mac, { worker: 'here', box: 'replies' }],
    ['with another secret', new FrameMac(Buffer.alloc(32, 2)), here],
  ])('rejects a frame signed %s', (_, other, address) => {
    expect(mac.verify(here, other.sign(address, Buffer.from('x')))).toBeUndefined();
  });

  it('rejects a secret that is not 32 bytes long', () => {
    expect(() => new FrameMac(Buffer.alloc(16))).toThrow('The secret of the workers must have 32 bytes.');
  });
});

describe('chunks', () => {
  it('join to the bytes that were split', () => {
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 50 }), (whole, size) => {
        const chunks = splitIntoChunks(whole, size);
        const joiner = new Joiner();
        for (const chunk of chunks) joiner.add(chunk);
        expect(joiner.join()).toEqual(whole);
        expect(chunks.every(({ length }) => length <= size)).toBe(true);
        expect(joiner.join()).toHaveLength(0);
      }),
    );
  });
});

describe('an end', () => {
  const gate = new EndGate();

  it('decodes to a value only with the status value', () => {
    expect(gate.decode(gate.encode('value', { a: 1 }))).toEqual({ kind: 'value', value: { a: 1 } });
    expect(gate.decode(gate.encode('failed', { a: 1 }))).toEqual({ kind: 'failed' });
    expect(gate.decode(gate.encode('overflow'))).toEqual({ kind: 'unknown', cause: 'gap' });
    expect(gate.decode(gate.encode('unclaimed'))).toEqual({ kind: 'not-executed', cause: 'unavailable' });
    expect(gate.decode(gate.encode('unstarted'))).toEqual({ kind: 'not-executed', cause: 'cancelled' });
    fc.assert(fc.property(bytes, (noise) => noise[0] === 0 || gate.decode(noise).kind !== 'value'));
  });

  it('is unknown if its value cannot be read', () => {
    expect(gate.decode(Buffer.from('\0{"cut":'))).toEqual({ kind: 'unknown', cause: 'gap' });
  });

  it('stays a refusal, whatever its content is', () => {
    expect(gate.decodeRefusal(Buffer.from('{"reason":"full","detail":[1]}'))).toEqual({
      kind: 'refused',
      reason: 'full',
      detail: [1],
    });
    fc.assert(fc.property(bytes, (noise) => gate.decodeRefusal(noise).kind === 'refused'));
  });
});

describe('a request message', () => {
  const head = { pattern: 'p', generation: 'g', notAfter: 5 };

  it('decodes to the encoded request', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (payload) => {
        const sent = { head: { ...head, queue: 'q', budgetMs: 1 }, payload };
        const read = decodeRequest(encodeRequest(sent.head, payload));
        expect(JSON.stringify(read)).toBe(JSON.stringify(sent));
      }),
    );
  });

  it('rejects any other bytes', () => {
    fc.assert(fc.property(bytes, (noise) => decodeRequest(noise) === undefined));
  });
});
