import { Injectable } from '@nestjs/common';
import type { ItemUse } from '#lib/extension-kit';
import { readResourceUri, type JsonObject, type JsonValue, type ListMethod } from '#lib/mcp-protocol';
import {
  isChangedAt,
  publishItems,
  publishPages,
  resolveName,
  resolveUri,
  toItemKind,
  type Endpoint,
  type Target,
} from '../catalog/index.js';
import { Items } from '../items/index.js';
import type { ServerDefinition } from '../registry/index.js';
import { ChangedNames } from './changed-names.js';
import type { ItemReference } from './item-reference.js';

/** A use of an item at a configured server. */
export type ServerItemUse = ItemUse<ServerDefinition>;

/**
 * Why a use is refused. `malformed`: the URI is refused in any case. `unknown`: the endpoint has no such item for this caller.
 * `denied`: the caller sees the item, and the policy denies these arguments.
 */
export interface ItemRefusal {
  readonly refusal: 'malformed' | 'unknown' | 'denied';
  readonly reason: string;
  /** Absent when the name names no server of the endpoint. */
  readonly server?: ServerDefinition;
  /** The server's own name of an item whose use is denied. */
  readonly name?: string;
}

const KEEP_NAME = (name: string): string => name;
const NO_SUCH_SERVER: ItemRefusal = { refusal: 'unknown', reason: 'The name names no server of the endpoint.' };

/**
 * The only place that converts a client's name or URI to a use of an item. Selection, policy and item switches decide about the
 * same object, limits count it, and the server receives its name (invariant 1).
 */
@Injectable()
export class ItemGate {
  private readonly changedNames = new ChangedNames();

  constructor(private readonly items: Items) {}

  /** Returns the use that an endpoint admits, with its arguments, or the refusal. */
  admit(endpoint: Endpoint, reference: ItemReference): ServerItemUse | ItemRefusal {
    return admitArguments(endpoint, this.find(endpoint, reference));
  }

  /** Like `admit`, for the name or URI of an item without the prefix of its server. */
  admitAt(endpoint: Endpoint, server: ServerDefinition, reference: ItemReference): ServerItemUse | ItemRefusal {
    if (!endpoint.servers.includes(server)) return NO_SUCH_SERVER;
    return admitArguments(endpoint, toShown(endpoint, this.toUse(server, reference)));
  }

  /** Returns the server of a public name that does not contain the name of its item, which no list has revealed yet. */
  findServerOfUnknownName(endpoint: Endpoint, { kind, text }: ItemReference): ServerDefinition | undefined {
    if (kind === 'resources' || !isChangedAt(endpoint, text)) return undefined;
    return this.changedNames.find(kind, text) === undefined ? resolveName(endpoint, text)?.server : undefined;
  }

  /**
   * Returns the use that continues a parked call. Its admission checked the item's switches, so a tool that was renamed or
   * disabled since keeps the name under which the client called it.
   */
  readmit(endpoint: Endpoint, reference: ItemReference): ServerItemUse | ItemRefusal {
    const use = this.resolve(endpoint, reference, KEEP_NAME);
    if ('refusal' in use) return use;
    if (!endpoint.shows(use)) return toUnknown(use);
    const decision = use.args && endpoint.permits?.(use);
    if (decision?.allowed !== false) return use;
    return { refusal: 'denied', reason: decision.reason, server: use.server, name: use.name };
  }

  /** Returns the use of an item at a server, whether or not it is enabled. Refuses only a malformed URI. */
  describe(server: ServerDefinition, reference: ItemReference): ServerItemUse | ItemRefusal {
    return this.toUse(server, reference, KEEP_NAME);
  }

  /**
   * Returns the use of an item by the server's own name, as the endpoint admits it now: for a call that was admitted before and
   * whose arguments have changed since. Switches do not decide again, as for a parked call.
   */
  readmitOwn(endpoint: Endpoint, server: ServerDefinition, reference: ItemReference): ServerItemUse | ItemRefusal {
    if (!endpoint.servers.some(({ slug }) => slug === server.slug)) return NO_SUCH_SERVER;
    return admitArguments(endpoint, toShown(endpoint, this.describeOwn(server, reference)));
  }

  /** Returns the use of an item by the server's own name, with the name that clients see. Refuses only a malformed URI. */
  describeOwn(server: ServerDefinition, reference: ItemReference): ServerItemUse | ItemRefusal {
    const { kind, text: name, args } = reference;
    if (kind === 'resources') return this.toResourceUse(server, reference, true);
    const shownName = this.items.shownNameOf(server, kind, name);
    return { server, kind, name, ...(shownName !== undefined && { shownName }), ...(args && { args }) };
  }

  /** True when the caller of the endpoint may read the resource now. */
  showsResource(endpoint: Endpoint, uri: string): boolean {
    return !('refusal' in this.find(endpoint, { kind: 'resources', text: uri }));
  }

  /**
   * The items of a server's list under their public names, without those that the endpoint does not show. The list is already
   * without the items that are switched off. Switches must not decide again: a resource that is listed for the first time is
   * not known as listed yet, and a disabled template would hide it.
   */
  publish(
    endpoint: Endpoint,
    server: ServerDefinition,
    method: ListMethod,
    pages: readonly (readonly JsonValue[])[],
  ): readonly JsonObject[] {
    const { items, changedNames } = publishPages(endpoint, server, method, pages, (shown, item) => {
      const use = this.findListed(endpoint, server, method, shown);
      return use && endpoint.filter ? endpoint.filter.describe(item, use) : use && item;
    });
    if (changedNames.size > 0) this.changedNames.learn(toItemKind(method), changedNames);
    return items;
  }

  /** Like `publish`, for items whose definitions are not read. List filters hide them, but cannot describe them. */
  publishNames(
    endpoint: Endpoint,
    server: ServerDefinition,
    method: ListMethod,
    items: readonly JsonObject[],
  ): readonly JsonObject[] {
    const viewItem = (shown: string, item: JsonObject) => this.findListed(endpoint, server, method, shown) && item;
    return publishItems(endpoint, server, method, items, viewItem).items;
  }

  private findListed(
    endpoint: Endpoint,
    server: ServerDefinition,
    method: ListMethod,
    shown: string,
  ): ServerItemUse | undefined {
    const use = this.toUse(server, toListedReference(method, shown), KEEP_NAME);
    return 'refusal' in use || !endpoint.shows(use) ? undefined : use;
  }

  private find(endpoint: Endpoint, reference: ItemReference): ServerItemUse | ItemRefusal {
    return toShown(endpoint, this.resolve(endpoint, reference));
  }

  private resolve(
    endpoint: Endpoint,
    reference: ItemReference,
    whenUnavailable?: (name: string) => string,
  ): ServerItemUse | ItemRefusal {
    const { kind, text } = reference;
    const target = kind === 'resources' ? resolveUri(endpoint, text) : this.resolveName(endpoint, kind, text);
    if (target) return this.toUse(target.server, { ...reference, text: target.own }, whenUnavailable);
    if (kind !== 'resources') return NO_SUCH_SERVER;
    const uri = readResourceUri(text, reference.isTemplate);
    return 'fault' in uri ? { refusal: 'malformed', reason: uri.fault } : NO_SUCH_SERVER;
  }

  private resolveName(endpoint: Endpoint, kind: 'tools' | 'prompts', text: string): Target | undefined {
    const target = resolveName(endpoint, text);
    const own = target && !endpoint.transparent ? this.changedNames.find(kind, text) : undefined;
    return target && own !== undefined ? { ...target, own } : target;
  }

  private toUse(
    server: ServerDefinition,
    reference: ItemReference,
    whenUnavailable?: (name: string) => string,
  ): ServerItemUse | ItemRefusal {
    const { kind, text: shownName, args } = reference;
    if (kind === 'resources') return this.toResourceUse(server, reference, whenUnavailable !== undefined);
    const name = this.items.resolveOwnName(server, kind, shownName) ?? whenUnavailable?.(shownName);
    if (name === undefined) return toUnavailable(server);
    return { server, kind, name, ...(name !== shownName && { shownName }), ...(args && { args }) };
  }

  private toResourceUse(
    server: ServerDefinition,
    { text, isTemplate = false }: ItemReference,
    skipsSwitches: boolean,
  ): ServerItemUse | ItemRefusal {
    const uri = readResourceUri(text, isTemplate);
    if ('fault' in uri) return { refusal: 'malformed', reason: uri.fault, server };
    if (!skipsSwitches && !this.items.isResourceEnabled(server, uri, isTemplate)) return toUnavailable(server);
    return { server, kind: 'resources', name: uri.canonical, uri, isTemplate };
  }
}

function toListedReference(method: ListMethod, text: string): ItemReference {
  if (method === 'resources/templates/list') return { kind: 'resources', text, isTemplate: true };
  if (method === 'resources/list') return { kind: 'resources', text };
  return { kind: method === 'tools/list' ? 'tools' : 'prompts', text };
}

const toUnavailable = (server: ServerDefinition): ItemRefusal => ({
  refusal: 'unknown',
  reason: 'The item is disabled or has another name.',
  server,
});

/** A decision about the arguments of a use that the endpoint shows. */
function admitArguments(endpoint: Endpoint, use: ServerItemUse | ItemRefusal): ServerItemUse | ItemRefusal {
  if ('refusal' in use || !endpoint.permits || use.args === undefined) return use;
  const { allowed, reason } = endpoint.permits(use);
  return allowed ? use : { refusal: 'denied', reason, server: use.server, name: use.name };
}

const toShown = (endpoint: Endpoint, use: ServerItemUse | ItemRefusal): ServerItemUse | ItemRefusal =>
  'refusal' in use || endpoint.shows(use) ? use : toUnknown(use);

const toUnknown = ({ server }: ServerItemUse): ItemRefusal => ({
  refusal: 'unknown',
  reason: 'The endpoint does not show the item to this caller.',
  server,
});
