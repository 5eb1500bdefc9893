import { isJsonObject } from '#lib/mcp-protocol';
import { findSecretReferences } from '../credentials.js';
import { referencedServers } from '../read-virtual-server.js';
import { KINDS_WITH_SECRETS, type StoredEntry } from './entry.js';

type EntryName = Pick<StoredEntry, 'kind' | 'slug'>;

/** Kinds that name servers in their member `servers`. A pattern such as `*` depends on no particular server. */
const KINDS_WITH_SERVERS: ReadonlySet<string> = new Set(['virtual-server', 'policy', 'limit', 'guardrail']);

/** Returns kind and slug of the entries that refer to a server or a secret by its name, such as `virtual server office`. */
export const findDependents = (entry: EntryName, stored: readonly StoredEntry[]): readonly string[] =>
  stored.filter((other) => dependsOn(other, entry)).map(({ kind, slug }) => `${kind.replace('-', ' ')} ${slug}`);

/**
 * Returns why it is unknown whether a secret is used: the secret store does not open an entry that may refer to it. Undefined if it is
 * known. References to servers are no credentials.
 */
export const findUnknownUse = ({ kind }: EntryName, stored: readonly StoredEntry[]): string | undefined =>
  kind === 'secret'
    ? stored.find((other) => KINDS_WITH_SECRETS.has(other.kind) && other.outage !== undefined)?.outage
    : undefined;

export function dependsOn({ kind, plain, source = plain }: StoredEntry, { kind: usedKind, slug }: EntryName): boolean {
  if (!isJsonObject(source)) return false;
  if (usedKind === 'server') return KINDS_WITH_SERVERS.has(kind) && referencedServers(source).includes(slug);
  return usedKind === 'secret' && KINDS_WITH_SECRETS.has(kind) && findSecretReferences(source).has(slug);
}
