import { describe, expect, it } from '@jest/globals';
import { missedBy, wants } from './listeners.js';

const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } });
const toolsChanged = { method: 'notifications/tools/list_changed', params: {} };

describe('a listener', () => {
  it('hears of the lists that it asked for only', () => {
    expect(wants({ toolsListChanged: true }, toolsChanged)).toBe(true);
    expect(wants({ promptsListChanged: true }, toolsChanged)).toBe(false);
    expect(wants({ toolsListChanged: true }, { method: 'notifications/message', params: {} })).toBe(false);
  });

  it.each([
    ['file:///a', true],
    ['file:///a/b', true],
    ['file:///a#part', true],
    ['file:///ab', false],
    ['file:///', false],
  ])('to file:///a hears of %s: %p', (uri, expected) => {
    expect(wants({ resourceSubscriptions: ['file:///a'] }, updated(uri))).toBe(expected);
  });

  it('that may have missed something is told that all of it may have changed', () => {
    expect(missedBy({ toolsListChanged: true, resourceSubscriptions: ['file:///a'] })).toEqual([
      toolsChanged,
      updated('file:///a'),
    ]);
    expect(missedBy({})).toEqual([]);
  });
});
