import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { remoteServer } from '../../test/support/fake-upstream.js';
import type { Endpoint } from './endpoint.js';
import { publishItems, publishNotification, publishResult } from './publisher.js';

const server = remoteServer('files');
const endpoint = (more: Partial<Endpoint> = {}): Endpoint => ({
  id: 'default',
  transparent: false,
  public: false,
  servers: [server],
  shows: () => true,
  showsAll: () => true,
  isUnrestricted: true,
  ...more,
});
const transparent = endpoint({ transparent: true });

describe('the items of a list', () => {
  it('are called by their public names, and otherwise as they are', () => {
    const schema = { inputSchema: { type: 'object' }, title: 'Read' };
    const publish = (method: Parameters<typeof publishItems>[2], item: JsonObject) =>
      publishItems(endpoint(), server, method, [item]);
    expect(publish('tools/list', { name: 'read', ...schema })).toEqual([{ name: 'files__read', ...schema }]);
    expect(publish('prompts/list', { name: 'ask' })).toEqual([{ name: 'files__ask' }]);
    expect(publish('resources/list', { uri: 'file:///a', name: 'a' })).toEqual([{ uri: 'files+file:///a', name: 'a' }]);
    expect(publish('resources/templates/list', { uriTemplate: 'file:///{a}' })).toEqual([
      { uriTemplate: 'files+file:///{a}' },
    ]);
  });

  it('appear once; the first of a name wins', () => {
    const items = [
      { name: 'a', n: 1 },
      { name: 'a', n: 2 },
      { name: 'b', n: 3 },
    ];
    expect(publishItems(endpoint(), server, 'tools/list', items).map(({ n }) => n)).toEqual([1, 3]);
  });

  it('are those that the endpoint shows', () => {
    const some = endpoint({ shows: (kind, name) => kind === 'tools' && name === 'files__b' });
    expect(publishItems(some, server, 'tools/list', [{ name: 'a' }, { name: 'b' }])).toEqual([{ name: 'files__b' }]);
    expect(publishItems(some, server, 'resources/templates/list', [{ uriTemplate: 'files__b' }])).toEqual([]);
  });

  it('without a name are left out, and harm nobody', () => {
    const items: JsonValue[] = [null, 'a', [], {}, { name: 7 }, { name: { toString: 'x' } }, { name: 'a' }];
    expect(publishItems(endpoint(), server, 'tools/list', items)).toEqual([{ name: 'files__a' }]);
  });
});

describe('a result', () => {
  const link = { type: 'resource_link', uri: 'file:///a', name: 'a' };
  const embedded = { type: 'resource', resource: { uri: 'file:///b', text: 'b' } };
  const text = { type: 'text', text: 'file:///c' };

  it('of a tool links to what can be read at the same endpoint', () => {
    const outcome = { content: [link, embedded, text], structuredContent: { uri: 'file:///d' } };
    expect(publishResult(endpoint(), server, outcome)).toEqual({
      content: [
        { ...link, uri: 'files+file:///a' },
        { ...embedded, resource: { uri: 'files+file:///b', text: 'b' } },
        text,
      ],
      structuredContent: { uri: 'file:///d' },
    });
  });

  it('of a resource or a prompt does so too', () => {
    expect(publishResult(endpoint(), server, { contents: [{ uri: 'file:///a', text: '' }] })).toEqual({
      contents: [{ uri: 'files+file:///a', text: '' }],
    });
    expect(publishResult(endpoint(), server, { messages: [{ role: 'user', content: embedded }] })).toMatchObject({
      messages: [{ content: { resource: { uri: 'files+file:///b' } } }],
    });
  });

  it.each<[string, JsonObject]>([
    ['without links', { completion: { values: [] } }],
    ['whose content is none', { content: 'text' }],
    ['whose blocks are none', { content: [null, 7, 'x', { type: 'resource' }, { type: 'resource_link' }] }],
    ['whose resource is none', { content: [{ type: 'resource', resource: 'x' }] }],
    ['whose messages are none', { messages: [null, {}, { content: 'text' }] }],
  ])('%s is passed on as it is', (_name, outcome) => {
    expect(publishResult(endpoint(), server, outcome)).toEqual(outcome);
  });

  it('is the very object behind a transparent endpoint', () => {
    const outcome = { content: [link] };
    expect(publishResult(transparent, server, outcome)).toBe(outcome);
  });
});

describe('a notification', () => {
  const updated = { method: 'notifications/resources/updated', params: { uri: 'file:///a' } };

  it('of a resource names it as the client knows it', () => {
    expect(publishNotification(endpoint(), server, updated).params).toEqual({ uri: 'files+file:///a' });
    expect(publishNotification(transparent, server, updated)).toBe(updated);
  });

  it('of anything else is passed on as it is', () => {
    for (const method of ['notifications/message', 'notifications/resources/list_changed']) {
      const params: JsonObject = method.endsWith('message') ? { uri: 'file:///a' } : {};
      expect(publishNotification(endpoint(), server, { method, params })).toEqual({ method, params });
    }
  });
});
