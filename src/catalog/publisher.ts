/** Rewrites lists, results and notifications of servers to public names and URIs. Transparent endpoints skip it. */
import type { ItemKind } from '#lib/extension-kit';
import { isJsonObject, LIST_MEMBERS, type JsonObject, type JsonValue, type ListMethod } from '#lib/mcp-protocol';
import type { McpNotification } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { Endpoint } from './endpoint.js';
import { toPublicName, toPublicUri } from './naming.js';

/** Published items of cached pages: a cached page is the same object each time. */
const publishedPages = new WeakMap<readonly JsonValue[], WeakMap<Endpoint, JsonObject[]>>();

/** Decides by its name, URI or URI template whether an item is shown. */
export type ShowsItem = (shown: string) => boolean;

/** Like `publishItems` for all pages of a list. */
export function publishPages(
  endpoint: Endpoint,
  server: ServerDefinition,
  method: ListMethod,
  pages: readonly (readonly JsonValue[])[],
  showsItem: ShowsItem,
): readonly JsonObject[] {
  const [page] = pages;
  if (!page || pages.length > 1) return publishItems(endpoint, server, method, pages.flat(), showsItem);
  const known = publishedPages.get(page)?.get(endpoint);
  if (known) return known;
  const items = publishItems(endpoint, server, method, page, showsItem);
  const perEndpoint = publishedPages.get(page) ?? new WeakMap<Endpoint, JsonObject[]>();
  publishedPages.set(page, perEndpoint.set(endpoint, items));
  return items;
}

/** The items of one server's list under their public names, without those that the endpoint does not show. */
export function publishItems(
  endpoint: Endpoint,
  server: ServerDefinition,
  method: ListMethod,
  items: readonly JsonValue[],
  showsItem: ShowsItem,
): JsonObject[] {
  const showsAll = endpoint.showsAll(toItemKind(method));
  const idMember = ID_MEMBERS[method];
  const rename = idMember === 'name' ? toPublicName : toPublicUri;
  const published: JsonObject[] = [];
  const seen = new Set<string>();
  for (const item of items) {
    const name = isJsonObject(item) ? item[idMember] : undefined;
    // An item without a name cannot be used.
    if (!isJsonObject(item) || typeof name !== 'string') continue;
    const shown = rename(endpoint, server, name);
    if (seen.has(shown) || !(showsAll || showsItem(name))) continue;
    seen.add(shown);
    published.push({ ...item, [idMember]: shown });
  }
  return published;
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
