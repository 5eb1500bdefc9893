import { isJsonObject } from '#lib/mcp-protocol';
import { serversNamedBy } from '../read-virtual-server.js';
import { keyOf, type StoredEntry } from './entry.js';

/** True for a virtual server that a server of this slug belongs to. */
export const isMadeOf = ({ kind, written }: StoredEntry, server: string): boolean =>
  kind === 'virtual-server' && isJsonObject(written) && serversNamedBy(written).includes(server);

/** Slugs of the virtual servers that an entry belongs to. */
export function usersOf(entry: Pick<StoredEntry, 'kind' | 'slug'>, stored: readonly StoredEntry[]): string[] {
  if (entry.kind !== 'server') return [];
  return stored.filter((other) => isMadeOf(other, keyOf(entry))).map(({ slug }) => slug);
}
