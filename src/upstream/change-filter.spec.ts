import { describe, expect, it } from '@jest/globals';
import { toMissedChanges, matchesFilter } from './change-filter.js';

const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } });
const toolsChanged = { method: 'notifications/tools/list_changed', params: {} };

describe('a change filter', () => {
  it('matches changes of the lists that it includes, and no other notification', () => {
    expect(matchesFilter({ toolsListChanged: true }, toolsChanged)).toBe(true);
    expect(matchesFilter({ promptsListChanged: true }, toolsChanged)).toBe(false);
    expect(matchesFilter({ toolsListChanged: true }, { method: 'notifications/message', params: {} })).toBe(false);
  });

  it('matches updates of its resources and of their sub-resources', () => {
    const filter = { resourceSubscriptions: ['file:///z', 'file:///a'] };
    const uris = ['file:///a', 'file:///a/b', 'file:///ab', 'file:///'];
    expect(uris.map((uri) => matchesFilter(filter, updated(uri)))).toEqual([true, true, false, false]);
    expect(matchesFilter({}, updated('file:///a'))).toBe(false);
  });

  it('expands to one notification per list and resource when changes may have been missed', () => {
    expect(toMissedChanges({ toolsListChanged: true, resourceSubscriptions: ['file:///a'] })).toEqual([
      toolsChanged,
      updated('file:///a'),
    ]);
    expect(toMissedChanges({})).toEqual([]);
  });
});
