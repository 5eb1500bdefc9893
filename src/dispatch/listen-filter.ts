import { isJsonObject, LIST_FLAGS, type ListFlag } from '#lib/mcp-protocol';
import type { Endpoint } from '../catalog/index.js';
import type { ItemGate } from '../gate/index.js';
import type { ServerDefinition } from '../registry/index.js';
import type { SubscriptionHandle } from '../subscriptions/index.js';
import type { ChangeFilter } from '../upstream/index.js';
import { truncate } from './dispatch.errors.js';

/** Maximum number of resources in the filter of one request. */
const MAX_RESOURCES = 1_000;

/** A requested resource that the caller may read. */
export interface ListenedResource {
  /** The public URI as the client wrote it. */
  readonly uri: string;
  readonly server: ServerDefinition;
  /** The URI in the canonical form, which the server receives. */
  readonly own: string;
}

/** Returns the requested filter, or an error message for a malformed one. */
export function parseListenFilter(value: unknown): ChangeFilter | string {
  if (!isJsonObject(value)) return 'params.notifications must be an object that names the requested notifications.';
  const uris = value['resourceSubscriptions'] ?? [];
  if (!Array.isArray(uris) || !uris.every((uri) => typeof uri === 'string')) {
    return 'params.notifications.resourceSubscriptions must be a list of URIs.';
  }
  const resourceSubscriptions = [...new Set(uris)];
  if (resourceSubscriptions.length > MAX_RESOURCES)
    return `params.notifications.resourceSubscriptions may hold at most ${MAX_RESOURCES} URIs.`;
  return {
    ...toFlags((flag) => value[flag] === true),
    ...(resourceSubscriptions.length > 0 && { resourceSubscriptions }),
  };
}

/** Returns the resources of a filter that the caller may read, or an error message for a malformed URI. */
export function resolveResources(
  endpoint: Endpoint,
  { resourceSubscriptions = [] }: ChangeFilter,
  gate: ItemGate,
): readonly ListenedResource[] | string {
  const resources: ListenedResource[] = [];
  for (const uri of resourceSubscriptions) {
    const use = gate.admit(endpoint, { kind: 'resources', text: uri });
    if (!('refusal' in use)) resources.push({ uri, server: use.server, own: use.name });
    else if (use.refusal === 'malformed') return `${use.reason} Refused: ${JSON.stringify(truncate(uri))}.`;
  }
  return resources;
}

/** The part of the filter that applies to one server; undefined when no part does. */
export function toServerFilter(
  { wanted, resources }: { readonly wanted: ChangeFilter; readonly resources: readonly ListenedResource[] },
  server: ServerDefinition,
): ChangeFilter | undefined {
  const own = new Set(resources.flatMap((resource) => (resource.server === server ? [resource.own] : [])));
  const { resourceSubscriptions: _wanted, ...lists } = wanted;
  const filter: ChangeFilter = own.size > 0 ? { ...lists, resourceSubscriptions: [...own] } : lists;
  return Object.keys(filter).length > 0 ? filter : undefined;
}

/** The part of the filter that the servers honour, with the URIs as the client wrote them. */
export function toHonouredFilter(
  opened: readonly { readonly server: ServerDefinition; readonly subscription: SubscriptionHandle }[],
  resources: readonly ListenedResource[],
  /** The requested lists, whose changes the gateway itself announces. */
  announced: ChangeFilter = {},
): ChangeFilter {
  const resourceSubscriptions = resources.flatMap(({ uri, server, own }) => {
    const { subscription } = opened.find((attempt) => attempt.server === server) ?? {};
    return subscription?.honoured.resourceSubscriptions?.includes(own) ? [uri] : [];
  });
  const flags = toFlags(
    (flag) => announced[flag] === true || opened.some(({ subscription }) => subscription.honoured[flag] === true),
  );
  return { ...flags, ...(resourceSubscriptions.length > 0 && { resourceSubscriptions }) };
}

const toFlags = (isSet: (flag: ListFlag) => boolean): ChangeFilter =>
  Object.fromEntries(LIST_FLAGS.filter(isSet).map((flag) => [flag, true] as const));
