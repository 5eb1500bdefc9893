import { findUnknownReferences, type ReferableNames } from '../references.js';
import type { Fault } from '../registry.errors.js';
import type { ResolvedEntry, ResolvedRegistry } from './entry-resolver.js';
import type { StoredEntry } from './entry.js';

/** Returns the names of all servers and teams, also of those that this host cannot use. */
export function namesOf({ servers, teams }: ResolvedRegistry): ReferableNames {
  const slugsOf = (entries: readonly { readonly entry: StoredEntry }[]) =>
    new Set(entries.map(({ entry }) => entry.slug));
  return { servers: slugsOf(servers), teams: slugsOf(teams) };
}

/** Returns the references of an entry to servers and teams that do not exist. Paths are relative to the entry. */
export function findWarnings(
  { entry, definition }: Pick<ResolvedEntry<unknown>, 'entry' | 'definition'>,
  names: ReferableNames,
): readonly Fault[] {
  if (typeof definition !== 'object' || definition === null || entry.kind === 'team') return [];
  const { servers, ...others }: Parameters<typeof findUnknownReferences>[0] = definition;
  // An unknown server of a virtual server is a fault.
  const references = entry.kind === 'virtual-server' || servers === undefined ? others : { servers, ...others };
  return findUnknownReferences(references, names).map(({ path, message }) => ({ path, message }));
}
