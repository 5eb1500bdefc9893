import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { toBundle, readBundle } from './bundle.js';
import { Batcher } from './batcher.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function world(maxItems = 100) {
  const sent: [string, number[]][] = [];
  let fails = false;
  const batcher = new Batcher<number, string>(async (key, items) => {
    sent.push([key, [...items]]);
    if (fails) throw new Error('no');
    return items.map((item) => `${key}${item}`);
  }, maxItems);
  return { batcher, sent, fail: () => (fails = true) };
}

describe('the items of one turn', () => {
  it('are sent together per key, in order, and each receives its own answer', async () => {
    const { batcher, sent } = world();
    const answers = Promise.all([batcher.add('a', 1), batcher.add('b', 2), batcher.add('a', 3), batcher.add('a', 4)]);
    expect(sent).toEqual([]);
    expect(await answers).toEqual(['a1', 'b2', 'a3', 'a4']);
    expect(sent).toEqual([
      ['a', [1, 3, 4]],
      ['b', [2]],
    ]);
  });

  it('are split into batches of the maximum size', async () => {
    const { batcher, sent } = world(2);
    await Promise.all([1, 2, 3, 4, 5].map((item) => batcher.add('a', item)));
    expect(sent.map(([, items]) => items)).toEqual([[1, 2], [3, 4], [5]]);
  });

  it('fail together, and the items of the next turn are sent separately', async () => {
    const { batcher, sent, fail } = world();
    fail();
    const first = [batcher.add('a', 1), batcher.add('a', 2)];
    expect((await Promise.allSettled(first)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await turn();
    await expect(batcher.add('a', 3)).rejects.toThrow('no');
    expect(sent.map(([, items]) => items)).toEqual([[1, 2], [3]]);
  });
});

describe('a bundle', () => {
  it('decodes to the encoded frames', () => {
    const frame = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.array(frame), (frames) => {
        expect(readBundle(toBundle(frames))).toEqual(frames);
      }),
    );
  });

  it('yields only complete frames if it is truncated or malformed', () => {
    const frames = [Buffer.from('one'), Buffer.from('two')];
    const bundle = toBundle(frames);
    for (let end = 0; end < bundle.length; end += 1) {
      expect(readBundle(bundle.subarray(0, end))).toEqual(end < 7 ? [] : [frames[0]]);
    }
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void readBundle(Buffer.from(bytes))));
  });
});
