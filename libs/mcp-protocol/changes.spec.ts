import { describe, expect, it } from '@jest/globals';
import { isResourceOrPart, LIST_CHANGES, LIST_FLAGS, toListFlag } from './changes.js';

describe('change notifications', () => {
  it('of lists map to the flags of their lists, other methods to none', () => {
    expect(LIST_FLAGS.map((flag) => toListFlag(LIST_CHANGES[flag].notification))).toEqual(LIST_FLAGS);
    for (const other of ['notifications/resources/updated', 'tools/list', 'constructor'])
      expect(toListFlag(other)).toBeUndefined();
  });

  it.each([
    ['file:///a', true],
    ['file:///a/b', true],
    ['file:///a#part', true],
    ['file:///ab', false],
    ['file:///', false],
  ])('of %s match a subscription to file:///a: %p', (uri, expected) => {
    expect(isResourceOrPart(uri, 'file:///a')).toBe(expected);
  });

  it('of any resource in a folder match a subscription to the folder', () => {
    expect(isResourceOrPart('file:///a/b', 'file:///a/')).toBe(true);
  });
});
