import type { AccessPolicy, AccessScope, Caller, ItemUse } from '#lib/extension-kit';
import { identityOf, type ServerDefinition } from '../registry/index.js';
import type { Endpoint } from './endpoint.js';

/**
 * Returns an endpoint without the servers and items that a caller may not use: the same object when nothing is denied,
 * undefined when the caller has no access to the endpoint.
 */
export function restrictEndpoint(endpoint: Endpoint, caller: Caller, policy: AccessPolicy): Endpoint | undefined {
  if (!endpoint.transparent && !policy.canUseEndpoint(caller, endpoint)) return undefined;
  const reaches = new Map(endpoint.servers.map((server) => [server, toReach(server, caller, policy)]));
  const isAll = [...reaches.values()].every((reach) => reach === 'all');
  if (isAll) return endpoint;
  const servers = endpoint.servers.filter((server) => reaches.get(server) !== 'none');
  if (endpoint.transparent && servers.length === 0) return undefined;
  const isFullAccess = servers.every((server) => reaches.get(server) === 'all');
  const bySlug = new Map([...reaches].map(([server, reach]) => [server.slug, reach]));
  // `resources/read` has no arguments, so conditions on arguments are decided here and fail closed.
  const decide = ({ args: _args, ...use }: ItemUse) =>
    policy.decide({ caller, ...use, ...(use.kind === 'resources' && { args: {} }) });
  return {
    ...endpoint,
    servers,
    isUnrestricted: false,
    showsAll: (kind) => isFullAccess && endpoint.showsAll(kind),
    shows: (use) => {
      const reach = bySlug.get(use.server.slug);
      if (reach === undefined || reach === 'none' || !endpoint.shows(use)) return false;
      return reach === 'all' || decide(use).allowed;
    },
    permits: (use) => (bySlug.get(use.server.slug) === 'all' ? UNRESTRICTED : policy.decide({ caller, ...use })),
  };
}

const UNRESTRICTED = { allowed: true, reason: 'The caller has access to the whole server.' };

function toReach(server: ServerDefinition, caller: Caller, policy: AccessPolicy): AccessScope {
  // A policy cannot extend a token beyond the servers that it is limited to.
  if (caller.servers && !caller.servers.includes(server.slug)) return 'none';
  if (caller.serverIdentities && !caller.serverIdentities.includes(identityOf(server))) return 'none';
  return policy.accessScope(caller, server);
}
