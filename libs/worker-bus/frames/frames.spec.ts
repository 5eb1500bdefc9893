import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Address } from '../ports/index.js';
import { splitIntoChunks, Joiner } from './chunks.js';
import { EndGate } from './end-gate.js';
import { decodeFrame, encodeFrame, headerBytes, type Frame } from './frame.js';
import { FrameCipher, SEAL_BYTES } from './frame-cipher.js';
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

describe('a sealed frame', () => {
  const here: Address = { worker: 'here', box: 'inbox' };
  const [secret, foreign] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const sender = new FrameCipher(secret);
  const receiver = new FrameCipher(secret);

  it('opens for its receiver only, and not after a change of any bit', () => {
    fc.assert(
      fc.property(bytes, fc.nat(), fc.nat({ max: 7 }), (content, place, bit) => {
        const sealed = sender.seal(here, content);
        expect(receiver.open(here, sealed)).toEqual(content);
        expect(sealed).toHaveLength(SEAL_BYTES + content.length);
        const at = place % sealed.length;
        sealed.writeUInt8(sealed.readUInt8(at) ^ (1 << bit), at);
        expect(receiver.open(here, sealed)).toBeUndefined();
      }),
    );
  });

  it('is opened or rejected without an exception, whatever the bytes are', () => {
    fc.assert(fc.property(bytes, (noise) => receiver.open(here, noise) === undefined));
  });

  it('hides its content, and never has the same bytes twice', () => {
    const content = Buffer.from('{"subject":"alice","arguments":"a secret of hers"}');
    const sealed = Array.from({ length: 100 }, () => sender.seal(here, content));
    expect(new Set(sealed.map((frame) => frame.toString('latin1'))).size).toBe(100);
    for (const frame of sealed) {
      for (const mark of ['alice', 'subject', 'secret']) expect(frame.includes(mark)).toBe(false);
    }
  });

  it('uses another nonce or another key for each frame of each cipher', () => {
    const prefixes = [sender, receiver, new FrameCipher(secret)].flatMap((cipher) =>
      Array.from({ length: 50 }, () => cipher.seal(here, Buffer.from('x')).toString('latin1', 0, 24)),
    );
    expect(new Set(prefixes).size).toBe(prefixes.length);
  });

  it.each<[string, FrameCipher, Address]>([
    ['for another worker', sender, { worker: 'there', box: 'inbox' }],
    ['for another box', sender, { worker: 'here', box: 'replies' }],
    ['with another secret', new FrameCipher(foreign), here],
  ])('does not open when it was sealed %s', (_, other, address) => {
    expect(receiver.open(here, other.seal(address, Buffer.from('x')))).toBeUndefined();
  });

  it('opens also when more ciphers have sent frames than keys are remembered', () => {
    for (let index = 0; index < 1_100; index += 1) {
      const frame = new FrameCipher(secret).seal(here, Buffer.from('x'));
      expect(receiver.open(here, frame)).toEqual(Buffer.from('x'));
    }
    expect(receiver.open(here, sender.seal(here, Buffer.from('y')))).toEqual(Buffer.from('y'));
  });

  it('needs a secret of 32 bytes', () => {
    expect(() => new FrameCipher(Buffer.alloc(16))).toThrow('The secret of the workers must have 32 bytes.');
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
