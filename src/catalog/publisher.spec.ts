import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { remoteServer } from '../../test/support/fake-upstream.js';
import type { Endpoint } from './endpoint.js';
import { toPublicName } from './naming.js';
import { publishItems, publishNotification, publishResult, type ViewItem } from './publisher.js';

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
const SHOW_ALL: ViewItem = (_name, item) => item;

describe('publishItems', () => {
  it('replaces the identifying member by the public name and keeps the others', () => {
    const schema = { inputSchema: { type: 'object' }, title: 'Read' };
    const publish = (method: Parameters<typeof publishItems>[2], item: JsonObject) =>
      publishItems(endpoint(), server, method, [item], SHOW_ALL).items;
    expect(publish('tools/list', { name: 'read', ...schema })).toEqual([{ name: 'files__read', ...schema }]);
    expect(publish('prompts/list', { name: 'ask' })).toEqual([{ name: 'files__ask' }]);
    expect(publish('resources/list', { uri: 'file:///a', name: 'a' })).toEqual([{ uri: 'files+file:///a', name: 'a' }]);
    expect(publish('resources/templates/list', { uriTemplate: 'file:///{a}' })).toEqual([
      { uriTemplate: 'files+file:///{a}' },
    ]);
  });

  it('keeps only the first item of each name', () => {
    const items = [
      { name: 'a', n: 1 },
      { name: 'a', n: 2 },
      { name: 'b', n: 3 },
    ];
    expect(publishItems(endpoint(), server, 'tools/list', items, SHOW_ALL).items.map(({ n }) => n)).toEqual([1, 3]);
  });

  it('omits items that the endpoint does not show', () => {
    const some = endpoint({ showsAll: () => false });
    const tools = [{ name: 'a' }, { name: 'b' }];
    expect(
      publishItems(some, server, 'tools/list', tools, (name, item) => (name === 'b' ? item : undefined)).items,
    ).toEqual([{ name: 'files__b' }]);
  });

  it('gives an item whose name clients would not accept another one, with its name in _meta and as its title', () => {
    const [bare, titled, annotated] = [
      { name: 'a.b' },
      { name: 'ä', title: 'T', _meta: { vendor: 1 } },
      { name: 'x y', annotations: { title: 'T' } },
    ];
    const { items, changedNames } = publishItems(endpoint(), server, 'tools/list', [bare, titled, annotated], SHOW_ALL);
    expect(items).toEqual([
      { name: expect.stringMatching(/^files__a_b_[a-z2-7]{8}$/), title: 'a.b', _meta: { 'isthmus/name': 'a.b' } },
      { ...titled, name: expect.stringMatching(/^files___/), _meta: { vendor: 1, 'isthmus/name': 'ä' } },
      { ...annotated, name: expect.stringMatching(/^files__x_y_/), _meta: { 'isthmus/name': 'x y' } },
    ]);
    expect([...changedNames.values()]).toEqual(['a.b', 'ä', 'x y']);
    const kept = publishItems(endpoint({ keepsNames: true }), server, 'tools/list', [bare], SHOW_ALL);
    expect(kept).toEqual({ items: [{ name: 'files__a.b' }], changedNames: new Map() });
  });

  it('gives a public name to the item that has it by itself, whatever the order of the list', () => {
    const changed = toPublicName(endpoint(), server, 'a.b').slice('files__'.length);
    const list = [
      { name: 'a.b', n: 1 },
      { name: changed, n: 2 },
    ];
    for (const items of [list, list.toReversed()]) {
      const published = publishItems(endpoint(), server, 'tools/list', items, SHOW_ALL);
      expect(published.items).toEqual([{ name: `files__${changed}`, n: 2 }]);
      expect(published.changedNames).toEqual(new Map([[`files__${changed}`, changed]]));
    }
  });

  it('omits malformed items and items without a name', () => {
    const items: JsonValue[] = [null, 'a', [], {}, { name: 7 }, { name: { toString: 'x' } }, { name: 'a' }];
    expect(publishItems(endpoint(), server, 'tools/list', items, SHOW_ALL).items).toEqual([{ name: 'files__a' }]);
  });
});

describe('publishResult', () => {
  const link = { type: 'resource_link', uri: 'file:///a', name: 'a' };
  const embedded = { type: 'resource', resource: { uri: 'file:///b', text: 'b' } };
  const text = { type: 'text', text: 'file:///c' };

  it('rewrites links and embedded resources of a tool result, and leaves text and structured content unchanged', () => {
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

  it('rewrites URIs in resource contents and prompt messages', () => {
    expect(publishResult(endpoint(), server, { contents: [{ uri: 'file:///a', text: '' }] })).toEqual({
      contents: [{ uri: 'files+file:///a', text: '' }],
    });
    expect(publishResult(endpoint(), server, { messages: [{ role: 'user', content: embedded }] })).toMatchObject({
      messages: [{ content: { resource: { uri: 'files+file:///b' } } }],
    });
  });

  it.each<[string, JsonObject]>([
    ['no links', { completion: { values: [] } }],
    ['malformed content', { content: 'text' }],
    ['malformed blocks', { content: [null, 7, 'x', { type: 'resource' }, { type: 'resource_link' }] }],
    ['a malformed resource', { content: [{ type: 'resource', resource: 'x' }] }],
    ['malformed messages', { messages: [null, {}, { content: 'text' }] }],
  ])('returns a result with %s unchanged', (_name, outcome) => {
    expect(publishResult(endpoint(), server, outcome)).toEqual(outcome);
  });

  it('returns the same object at a transparent endpoint', () => {
    const outcome = { content: [link] };
    expect(publishResult(transparent, server, outcome)).toBe(outcome);
  });
});

describe('publishNotification', () => {
  const updated = { method: 'notifications/resources/updated', params: { uri: 'file:///a' } };

  it('replaces the URI of an updated resource by its public URI', () => {
    expect(publishNotification(endpoint(), server, updated).params).toEqual({ uri: 'files+file:///a' });
    expect(publishNotification(transparent, server, updated)).toBe(updated);
  });

  it('returns other notifications unchanged', () => {
    for (const method of ['notifications/message', 'notifications/resources/list_changed']) {
      const params: JsonObject = method.endsWith('message') ? { uri: 'file:///a' } : {};
      expect(publishNotification(endpoint(), server, { method, params })).toEqual({ method, params });
    }
  });
});
