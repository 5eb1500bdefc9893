import type { AccessPolicy, Caller, ItemKind, Reach } from '#lib/extension-kit';
import type { ServerDefinition } from '../registry/index.js';
import type { Endpoint, Target } from './endpoint.js';
import { resolveName, resolveUri } from './naming.js';

/**
 * An endpoint as one caller sees it: without the servers and items that it may not use. The very same object where that
 * is all of it, undefined where the endpoint itself is not for this caller.
 */
export function restrictEndpoint(endpoint: Endpoint, caller: Caller, policy: AccessPolicy): Endpoint | undefined {
  if (!endpoint.transparent && !policy.canUseEndpoint(caller, endpoint)) return undefined;
  const reaches = new Map(endpoint.servers.map((server) => [server, toReach(server, caller, policy)]));
  const isAll = [...reaches.values()].every((reach) => reach === 'all');
  if (isAll) return endpoint;
  const servers = endpoint.servers.filter((server) => reaches.get(server) !== 'none');
  if (endpoint.transparent && servers.length === 0) return undefined;
  const inFull = servers.every((server) => reaches.get(server) === 'all');
  const targetOf = (kind: ItemKind, name: string) =>
    kind === 'resources' ? resolveUri(endpoint, name) : resolveName(endpoint, name);
  // A resource is read without arguments, so nothing about it is left open: conditions on them count against the caller.
  const decide = (kind: ItemKind, { server, own: name }: Target) =>
    policy.decide({ caller, server, kind, name, ...(kind === 'resources' && { args: {} }) });
  return {
    ...endpoint,
    servers,
    isUnrestricted: false,
    showsAll: (kind) => inFull && endpoint.showsAll(kind),
    shows: (kind, publicName) => {
      if (!endpoint.shows(kind, publicName)) return false;
      const target = targetOf(kind, publicName);
      const reach = target && reaches.get(target.server);
      if (!target || reach === 'none') return false;
      return reach === 'all' || decide(kind, target).allowed;
    },
    permits: (kind, { server, own: name }, args) =>
      reaches.get(server) === 'all' ? UNRESTRICTED : policy.decide({ caller, server, kind, name, args }),
  };
}

const UNRESTRICTED = { allowed: true, reason: 'Everything of the server is open to this caller.' };

function toReach(server: ServerDefinition, caller: Caller, policy: AccessPolicy): Reach {
  // What a token is not good for no policy can allow.
  if (caller.servers && !caller.servers.includes(server.slug)) return 'none';
  return policy.accessScope(caller, server);
}
