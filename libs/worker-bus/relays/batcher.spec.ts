import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { toBundle, readBundle } from './bundle.js';
import { Batcher } from './batcher.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function world(most = 100) {
  const sent: [string, number[]][] = [];
  let fails = false;
  const gathering = new Batcher<number, string>(async (key, items) => {
    sent.push([key, [...items]]);
    if (fails) throw new Error('no');
    return items.map((item) => `${key}${item}`);
  }, most);
  return { gathering, sent, fail: () => (fails = true) };
}

describe('what is asked for within one turn', () => {
  it('is sent together, by key, in its order, and each is answered by itself', async () => {
    const { gathering, sent } = world();
    const answers = Promise.all([
      gathering.add('a', 1),
      gathering.add('b', 2),
      gathering.add('a', 3),
      gathering.add('a', 4),
    ]);
    expect(sent).toEqual([]);
    expect(await answers).toEqual(['a1', 'b2', 'a3', 'a4']);
    expect(sent).toEqual([
      ['a', [1, 3, 4]],
      ['b', [2]],
    ]);
  });

  it('is sent in as many pieces as it takes', async () => {
    const { gathering, sent } = world(2);
    await Promise.all([1, 2, 3, 4, 5].map((item) => gathering.add('a', item)));
    expect(sent.map(([, items]) => items)).toEqual([[1, 2], [3, 4], [5]]);
  });

  it('fails together, and what comes in the next turn is tried by itself', async () => {
    const { gathering, sent, fail } = world();
    fail();
    const first = [gathering.add('a', 1), gathering.add('a', 2)];
    expect((await Promise.allSettled(first)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await turn();
    await expect(gathering.add('a', 3)).rejects.toThrow('no');
    expect(sent.map(([, items]) => items)).toEqual([[1, 2], [3]]);
  });
});

describe('a bundle', () => {
  it('gives back the frames that it was made of', () => {
    const frame = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.array(frame), (frames) => {
        expect(readBundle(toBundle(frames))).toEqual(frames);
      }),
    );
  });

  it('that is cut, or never was one, holds only what is whole', () => {
    const frames = [Buffer.from('one'), Buffer.from('two')];
    const bundle = toBundle(frames);
    for (let end = 0; end < bundle.length; end += 1) {
      expect(readBundle(bundle.subarray(0, end))).toEqual(end < 7 ? [] : [frames[0]]);
    }
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void readBundle(Buffer.from(bytes))));
  });
});
