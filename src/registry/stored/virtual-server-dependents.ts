import { isJsonObject } from '#lib/mcp-protocol';
import { referencedServers } from '../read-virtual-server.js';
import { keyOf, type StoredEntry } from './entry.js';

/** True for a virtual server that lists the server of this slug. */
export const usesServer = ({ kind, source }: StoredEntry, server: string): boolean =>
  kind === 'virtual-server' && isJsonObject(source) && referencedServers(source).includes(server);

/** Returns the slugs of the virtual servers that list the server. */
export function findDependents(entry: Pick<StoredEntry, 'kind' | 'slug'>, stored: readonly StoredEntry[]): string[] {
  if (entry.kind !== 'server') return [];
  return stored.filter((other) => usesServer(other, keyOf(entry))).map(({ slug }) => slug);
}
