import { isJsonObject } from '#lib/mcp-protocol';
import { findSecretReferences } from '../credentials.js';
import { referencedServers } from '../read-virtual-server.js';
import type { StoredEntry } from './entry.js';

type EntryName = Pick<StoredEntry, 'kind' | 'slug'>;

/** Kinds that name servers in their member `servers`. A pattern such as `*` depends on no particular server. */
const KINDS_WITH_SERVERS: ReadonlySet<string> = new Set(['virtual-server', 'policy', 'limit']);

/** Returns kind and slug of the entries that refer to a server or a secret by its name, such as `virtual server office`. */
export const findDependents = (entry: EntryName, stored: readonly StoredEntry[]): readonly string[] =>
  stored.filter((other) => dependsOn(other, entry)).map(({ kind, slug }) => `${kind.replace('-', ' ')} ${slug}`);

export function dependsOn({ kind, source }: StoredEntry, { kind: usedKind, slug }: EntryName): boolean {
  if (!isJsonObject(source)) return false;
  if (usedKind === 'server') return KINDS_WITH_SERVERS.has(kind) && referencedServers(source).includes(slug);
  return usedKind === 'secret' && kind === 'server' && findSecretReferences(source).has(slug);
}
