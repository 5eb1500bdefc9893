import { describe, expect, it } from '@jest/globals';
import { toMissedChanges, matchesFilter } from './change-filter.js';

const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } });
const toolsChanged = { method: 'notifications/tools/list_changed', params: {} };

describe('a listener', () => {
  it('hears of the lists that it asked for only', () => {
    expect(matchesFilter({ toolsListChanged: true }, toolsChanged)).toBe(true);
    expect(matchesFilter({ promptsListChanged: true }, toolsChanged)).toBe(false);
    expect(matchesFilter({ toolsListChanged: true }, { method: 'notifications/message', params: {} })).toBe(false);
  });

  it('hears of the resources that it asked for, and of their parts', () => {
    const filter = { resourceSubscriptions: ['file:///z', 'file:///a'] };
    const uris = ['file:///a', 'file:///a/b', 'file:///ab', 'file:///'];
    expect(uris.map((uri) => matchesFilter(filter, updated(uri)))).toEqual([true, true, false, false]);
    expect(matchesFilter({}, updated('file:///a'))).toBe(false);
  });

  it('that may have missed something is told that all of it may have changed', () => {
    expect(toMissedChanges({ toolsListChanged: true, resourceSubscriptions: ['file:///a'] })).toEqual([
      toolsChanged,
      updated('file:///a'),
    ]);
    expect(toMissedChanges({})).toEqual([]);
  });
});
