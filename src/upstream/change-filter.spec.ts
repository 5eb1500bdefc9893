import { describe, expect, it } from '@jest/globals';
import { missedBy, wants } from './change-filter.js';

const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } });
const toolsChanged = { method: 'notifications/tools/list_changed', params: {} };

describe('a change filter', () => {
  it('matches changes of the lists that it includes, and no other notification', () => {
    expect(wants({ toolsListChanged: true }, toolsChanged)).toBe(true);
    expect(wants({ promptsListChanged: true }, toolsChanged)).toBe(false);
    expect(wants({ toolsListChanged: true }, { method: 'notifications/message', params: {} })).toBe(false);
  });

  it('matches updates of its resources and of their sub-resources', () => {
    const filter = { resourceSubscriptions: ['file:///z', 'file:///a'] };
    const uris = ['file:///a', 'file:///a/b', 'file:///ab', 'file:///'];
    expect(uris.map((uri) => wants(filter, updated(uri)))).toEqual([true, true, false, false]);
    expect(wants({}, updated('file:///a'))).toBe(false);
  });

  it('expands to one notification per list and resource when changes may have been missed', () => {
    expect(missedBy({ toolsListChanged: true, resourceSubscriptions: ['file:///a'] })).toEqual([
      toolsChanged,
      updated('file:///a'),
    ]);
    expect(missedBy({})).toEqual([]);
  });
});
