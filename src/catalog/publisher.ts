/** Rewrites lists, results and notifications of servers to public names and URIs. Transparent endpoints skip it. */
import type { ItemKind } from '#lib/extension-kit';
import { isJsonObject, LIST_MEMBERS, type JsonObject, type JsonValue, type ListMethod } from '#lib/mcp-protocol';
import type { McpNotification } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { Endpoint } from './endpoint.js';
import { addNamePrefix, addUriPrefix, isChangedAt, toPublicName, toPublicUri } from './naming.js';

/** Published items of cached pages: a cached page is the same object each time. */
const publishedPages = new WeakMap<readonly JsonValue[], WeakMap<Endpoint, PublishedItems>>();

/** The `_meta` key of the name of an item whose public name does not contain it. */
const NAME_META = 'isthmus/name';

/** Items of a list under their public names. */
export interface PublishedItems {
  readonly items: readonly JsonObject[];
  /** Names by public names that do not contain them, or that look as if they did not. */
  readonly changedNames: ReadonlyMap<string, string>;
}

/** Returns an item, which has this name, URI or URI template, as it is shown. Undefined: it is not shown. */
export type ViewItem = (shown: string, item: JsonObject) => JsonObject | undefined;

/** Like `publishItems` for all pages of a list. */
export function publishPages(
  endpoint: Endpoint,
  server: ServerDefinition,
  method: ListMethod,
  pages: readonly (readonly JsonValue[])[],
  viewItem: ViewItem,
): PublishedItems {
  const [page] = pages;
  const isReusable = pages.length === 1 && endpoint.filter === undefined;
  if (!page || !isReusable) return publishItems(endpoint, server, method, pages.flat(), viewItem);
  const known = publishedPages.get(page)?.get(endpoint);
  if (known) return known;
  const items = publishItems(endpoint, server, method, page, viewItem);
  const perEndpoint = publishedPages.get(page) ?? new WeakMap<Endpoint, PublishedItems>();
  publishedPages.set(page, perEndpoint.set(endpoint, items));
  return items;
}

/** The items of one server's list under their public names, without those that the endpoint does not show. */
export function publishItems(
  endpoint: Endpoint,
  server: ServerDefinition,
  method: ListMethod,
  items: readonly JsonValue[],
  viewItem: ViewItem,
): PublishedItems {
  const showsAll = endpoint.showsAll(toItemKind(method));
  const idMember = ID_MEMBERS[method];
  const [rename, addPrefix] = idMember === 'name' ? [toPublicName, addNamePrefix] : [toPublicUri, addUriPrefix];
  const published = new Map<string, PublishedItem>();
  for (const item of items) {
    const name = isJsonObject(item) ? item[idMember] : undefined;
    // An item without a name cannot be used.
    if (!isJsonObject(item) || typeof name !== 'string') continue;
    const shown = rename(endpoint, server, name);
    const isChanged = !endpoint.transparent && shown !== addPrefix(server, name);
    const other = published.get(shown);
    if (other && !precedes({ name, isChanged }, other)) continue;
    const view = showsAll ? item : viewItem(name, item);
    if (view) published.set(shown, { item: view, name, isChanged });
  }
  return toPublishedItems(endpoint, idMember, published);
}

interface PublishedItem extends PublicName {
  readonly item: JsonObject;
}

interface PublicName {
  readonly name: string;
  readonly isChanged: boolean;
}

/** Decides, whatever the order of a list, which of two items with one public name has it. Of one name the first item has it. */
const precedes = (one: PublicName, other: PublicName): boolean =>
  other.isChanged && one.name !== other.name && (!one.isChanged || one.name < other.name);

function toPublishedItems(
  endpoint: Endpoint,
  idMember: string,
  published: ReadonlyMap<string, PublishedItem>,
): PublishedItems {
  const changedNames = new Map<string, string>();
  const items: JsonObject[] = [];
  for (const [shown, { item, name, isChanged }] of published) {
    if (isChanged || (idMember === 'name' && isChangedAt(endpoint, shown))) changedNames.set(shown, name);
    items.push(isChanged ? withRealName(item, shown, name) : { ...item, [idMember]: shown });
  }
  return { items, changedNames };
}

/** Only tools and prompts are given other names. */
function withRealName(item: JsonObject, shown: string, name: string): JsonObject {
  const { title, annotations, _meta: meta } = item;
  const hasTitle = title !== undefined || (isJsonObject(annotations) && annotations['title'] !== undefined);
  return {
    ...item,
    name: shown,
    ...(!hasTitle && { title: name }),
    _meta: { ...(isJsonObject(meta) ? meta : {}), [NAME_META]: name },
  };
}

/** The member that identifies an item of each list. */
const ID_MEMBERS: Record<ListMethod, string> = {
  'tools/list': 'name',
  'prompts/list': 'name',
  'resources/list': 'uri',
  'resources/templates/list': 'uriTemplate',
};

/** The kind of the items of a list. */
export function toItemKind(method: ListMethod): ItemKind {
  const member = LIST_MEMBERS[method];
  return member === 'resourceTemplates' ? 'resources' : member;
}

/**
 * Rewrites the URIs in a result of tools/call, prompts/get or resources/read, so that a link in a tool's result can be read
 * at the same endpoint. Returns the same object when nothing has to be rewritten.
 */
export function publishResult(endpoint: Endpoint, server: ServerDefinition, outcome: JsonObject): JsonObject {
  if (endpoint.transparent) return outcome;
  const { content, contents, messages } = outcome;
  const rewrite = (uri: string) => toPublicUri(endpoint, server, uri);
  if (Array.isArray(content)) return { ...outcome, content: content.map((block) => publishBlock(block, rewrite)) };
  if (Array.isArray(contents)) return { ...outcome, contents: contents.map((part) => publishUri(part, rewrite)) };
  if (Array.isArray(messages)) return { ...outcome, messages: messages.map((one) => publishMessage(one, rewrite)) };
  return outcome;
}

/** Rewrites the URI of a change notification. */
export function publishNotification(
  endpoint: Endpoint,
  server: ServerDefinition,
  notification: McpNotification,
): McpNotification {
  const { uri } = notification.params;
  if (endpoint.transparent || typeof uri !== 'string' || !notification.method.startsWith('notifications/resources/')) {
    return notification;
  }
  return { ...notification, params: { ...notification.params, uri: toPublicUri(endpoint, server, uri) } };
}

function publishMessage(message: JsonValue, rewrite: (uri: string) => string): JsonValue {
  if (!isJsonObject(message) || message['content'] === undefined) return message;
  return { ...message, content: publishBlock(message['content'], rewrite) };
}

function publishBlock(block: JsonValue, rewrite: (uri: string) => string): JsonValue {
  if (!isJsonObject(block)) return block;
  if (block['type'] === 'resource_link') return publishUri(block, rewrite);
  if (block['type'] !== 'resource' || block['resource'] === undefined) return block;
  return { ...block, resource: publishUri(block['resource'], rewrite) };
}

function publishUri(holder: JsonValue, rewrite: (uri: string) => string): JsonValue {
  if (!isJsonObject(holder) || typeof holder['uri'] !== 'string') return holder;
  return { ...holder, uri: rewrite(holder['uri']) };
}
