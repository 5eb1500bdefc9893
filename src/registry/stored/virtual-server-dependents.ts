import { isJsonObject } from '#lib/mcp-protocol';
import { referencedServers } from '../read-virtual-server.js';
import { keyOf, type StoredEntry } from './entry.js';

/** True for a virtual server that a server of this slug belongs to. */
export const usesServer = ({ kind, source }: StoredEntry, server: string): boolean =>
  kind === 'virtual-server' && isJsonObject(source) && referencedServers(source).includes(server);

/** Slugs of the virtual servers that an entry belongs to. */
export function findDependents(entry: Pick<StoredEntry, 'kind' | 'slug'>, stored: readonly StoredEntry[]): string[] {
  if (entry.kind !== 'server') return [];
  return stored.filter((other) => usesServer(other, keyOf(entry))).map(({ slug }) => slug);
}
