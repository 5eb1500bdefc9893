import { isJsonObject } from '#lib/mcp-protocol';
import { serversNamedBy } from '../read-virtual-server.js';
import { keyOf, type StoredEntry } from './entry.js';

/** True for a virtual server that lists the server of this slug. */
export const isMadeOf = ({ kind, written }: StoredEntry, server: string): boolean =>
  kind === 'virtual-server' && isJsonObject(written) && serversNamedBy(written).includes(server);

/** Returns the slugs of the virtual servers that list the server. */
export function usersOf(entry: Pick<StoredEntry, 'kind' | 'slug'>, stored: readonly StoredEntry[]): string[] {
  if (entry.kind !== 'server') return [];
  return stored.filter((other) => isMadeOf(other, keyOf(entry))).map(({ slug }) => slug);
}
