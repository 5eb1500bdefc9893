/**
 * Public names of items at an endpoint with several servers. Slugs contain no `__` and no `+`, so the first separator always
 * ends the slug, and names of different servers never collide (invariant 2).
 *
 * - tools and prompts: `slug__name`, changed where clients would not accept it (portable-names.ts)
 * - resources: `slug+uri`; a URI scheme may contain `+` (RFC 3986, 3.1), so the result is still a URI or a URI template.
 */
import type { GuardedServer } from '#lib/extension-kit';
import type { ServerDefinition } from '../registry/index.js';
import type { Endpoint, Target } from './endpoint.js';
import { isChangedName, toPortableName } from './portable-names.js';

const NAME_SEPARATOR = '__';
const URI_SEPARATOR = '+';

export const addNamePrefix = ({ slug }: GuardedServer, name: string): string => slug + NAME_SEPARATOR + name;
export const addUriPrefix = ({ slug }: GuardedServer, uri: string): string => slug + URI_SEPARATOR + uri;

export function toPublicName(endpoint: Endpoint, server: GuardedServer, own: string): string {
  if (endpoint.transparent) return own;
  return endpoint.keepsNames === true ? addNamePrefix(server, own) : toPortableName(addNamePrefix(server, ''), own);
}

/** True if the public name of a tool or prompt may not contain the name of its item. */
export const isChangedAt = ({ transparent, keepsNames }: Endpoint, publicName: string): boolean =>
  !transparent && keepsNames !== true && isChangedName(publicName);

export function toPublicUri(endpoint: Endpoint, server: ServerDefinition, own: string): string {
  return endpoint.transparent ? own : addUriPrefix(server, own);
}

export const resolveName = (endpoint: Endpoint, name: string) => resolve(endpoint, name, NAME_SEPARATOR);
export const resolveUri = (endpoint: Endpoint, uri: string) => resolve(endpoint, uri, URI_SEPARATOR);

function resolve(endpoint: Endpoint, publicText: string, separator: string): Target | undefined {
  if (endpoint.transparent) {
    const [only] = endpoint.servers;
    return only && { server: only, own: publicText };
  }
  const end = publicText.indexOf(separator);
  if (end < 0) return undefined;
  const slug = publicText.slice(0, end);
  const server = endpoint.servers.find((candidate) => candidate.slug === slug);
  return server && { server, own: publicText.slice(end + separator.length) };
}
