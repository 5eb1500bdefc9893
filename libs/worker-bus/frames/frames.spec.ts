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
  it('is read as it was written, with a header of the length that was foretold', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        const encoded = encodeFrame(frame);
        expect(decodeFrame(encoded)).toEqual(frame);
        expect(encoded.length).toBe(headerBytes(frame) + frame.payload.length);
      }),
    );
  });

  it('is nothing else: whatever else the bytes are, they are refused without an error', () => {
    fc.assert(fc.property(bytes, (noise) => decodeFrame(noise) === undefined || noise[0] === 1));
    fc.assert(
      fc.property(
        frames,
        fc.nat({ max: 8 }),
        (frame, cut) => decodeFrame(encodeFrame(frame).subarray(0, cut)) === undefined,
      ),
    );
  });

  it('of a version that is not known is refused', () => {
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

describe('a seal', () => {
  const here: Address = { worker: 'here', box: 'inbox' };
  const seal = new FrameMac(Buffer.alloc(32, 1));

  it('opens what it closed, and nothing of which a bit was changed', () => {
    fc.assert(
      fc.property(bytes, fc.nat(), fc.nat({ max: 7 }), (content, place, bit) => {
        const sealed = seal.sign(here, content);
        expect(seal.verify(here, sealed)).toEqual(content);
        const at = place % sealed.length;
        sealed.writeUInt8(sealed.readUInt8(at) ^ (1 << bit), at);
        expect(seal.verify(here, sealed)).toBeUndefined();
      }),
    );
  });

  it.each<[string, FrameMac, Address]>([
    ['for another worker', seal, { worker: 'there', box: 'inbox' }],
    ['for another box', seal, { worker: 'here', box: 'replies' }],
    ['with another secret', new FrameMac(Buffer.alloc(32, 2)), here],
  ])('does not open what was sealed %s', (_, other, address) => {
    expect(seal.verify(here, other.sign(address, Buffer.from('x')))).toBeUndefined();
  });

  it('wants a secret of 32 bytes', () => {
    expect(() => new FrameMac(Buffer.alloc(16))).toThrow('The secret of the workers has 32 bytes.');
  });
});

describe('chunks', () => {
  it('are what was cut, once they are joined', () => {
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

  it('is a value only if it says so', () => {
    expect(gate.decode(gate.encode('value', { a: 1 }))).toEqual({ kind: 'value', value: { a: 1 } });
    expect(gate.decode(gate.encode('failed', { a: 1 }))).toEqual({ kind: 'failed' });
    expect(gate.decode(gate.encode('overflow'))).toEqual({ kind: 'unknown', cause: 'gap' });
    expect(gate.decode(gate.encode('unclaimed'))).toEqual({ kind: 'not-executed', cause: 'unavailable' });
    expect(gate.decode(gate.encode('unstarted'))).toEqual({ kind: 'not-executed', cause: 'cancelled' });
    fc.assert(fc.property(bytes, (noise) => noise[0] === 0 || gate.decode(noise).kind !== 'value'));
  });

  it('whose value cannot be read is unknown', () => {
    expect(gate.decode(Buffer.from('\0{"cut":'))).toEqual({ kind: 'unknown', cause: 'gap' });
  });

  it('that is a refusal stays one, whatever it says', () => {
    expect(gate.decodeRefusal(Buffer.from('{"reason":"full","detail":[1]}'))).toEqual({
      kind: 'refused',
      reason: 'full',
      detail: [1],
    });
    fc.assert(fc.property(bytes, (noise) => gate.decodeRefusal(noise).kind === 'refused'));
  });
});

describe('a request', () => {
  const head = { pattern: 'p', generation: 'g', notAfter: 5 };

  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (payload) => {
        const sent = { head: { ...head, queue: 'q', budgetMs: 1 }, payload };
        const read = decodeRequest(encodeRequest(sent.head, payload));
        expect(JSON.stringify(read)).toBe(JSON.stringify(sent));
      }),
    );
  });

  it('is nothing else', () => {
    fc.assert(fc.property(bytes, (noise) => decodeRequest(noise) === undefined));
  });
});
