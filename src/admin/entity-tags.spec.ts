import { describe, expect, it } from '@jest/globals';
import { isUnmodified, requireMatch } from './entity-tags.js';

describe('an entity tag', () => {
  it.each(['"1"', ' "1"\t', '"7", "1"', '"7" ,\t"1"', '*', '"7", *'])('of If-Match %j matches version 1', (header) => {
    expect(() => requireMatch(header, 1)).not.toThrow();
  });

  it.each(['', '"2"', '1', '\u00a0"1"', '"1"\u00a0', '"2",\u2003"1"', '"1"\f', '\ufeff*'])(
    'of If-Match %j does not match version 1',
    (header) => {
      expect(() => requireMatch(header, 1)).toThrow(expect.objectContaining({ status: 412 }));
    },
  );

  it('of If-None-Match is surrounded by spaces and tabs only', () => {
    expect(isUnmodified(' W/"1"\t', 1)).toBe(true);
    expect(isUnmodified('\u00a0"1"', 1)).toBe(false);
  });
});
