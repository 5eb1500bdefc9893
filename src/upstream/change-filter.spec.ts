import { describe, expect, it } from '@jest/globals';
import { missedBy, wants } from './change-filter.js';

const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } });
const toolsChanged = { method: 'notifications/tools/list_changed', params: {} };

describe('a listener', () => {
  it('hears of the lists that it asked for only', () => {
    expect(wants({ toolsListChanged: true }, toolsChanged)).toBe(true);
    expect(wants({ promptsListChanged: true }, toolsChanged)).toBe(false);
    expect(wants({ toolsListChanged: true }, { method: 'notifications/message', params: {} })).toBe(false);
  });

  it('hears of the resources that it asked for, and of their parts', () => {
    const filter = { resourceSubscriptions: ['file:///z', 'file:///a'] };
    const uris = ['file:///a', 'file:///a/b', 'file:///ab', 'file:///'];
    expect(uris.map((uri) => wants(filter, updated(uri)))).toEqual([true, true, false, false]);
    expect(wants({}, updated('file:///a'))).toBe(false);
  });

  it('that may have missed something is told that all of it may have changed', () => {
    expect(missedBy({ toolsListChanged: true, resourceSubscriptions: ['file:///a'] })).toEqual([
      toolsChanged,
      updated('file:///a'),
    ]);
    expect(missedBy({})).toEqual([]);
  });
});
