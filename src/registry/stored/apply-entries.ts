import { isDeepStrictEqual } from 'node:util';
import type { Kysely } from 'kysely';
import type { AppliedChanges, ApplyOptions, DesiredEntry } from '../registry-changes.js';
import { EntryInvalid, type Fault } from '../registry.errors.js';
import { findSlugFault } from '../slug.js';
import { keyOf, SECTION_BY_KIND, type NamedKind, type StoredEntry } from './entry.js';
import type { EntryResolver } from './entry-resolver.js';
import type { EntryTable } from './entry-table.js';
import type { RegistryTables } from './registry-tables.js';

interface Draft {
  readonly kind: NamedKind;
  readonly slug: string;
  readonly source: DesiredEntry['source'];
}

/** Ends a transaction that only tried. */
class Tried extends Error {
  constructor(readonly changes: AppliedChanges) {
    super();
  }
}

const KIND_OF = Object.fromEntries(
  Object.entries(SECTION_BY_KIND).map(([kind, section]) => [section, kind]),
) as Readonly<Record<DesiredEntry['section'], NamedKind>>;
const nameOf = ({ kind, slug }: Pick<Draft, 'kind' | 'slug'>): string => `${SECTION_BY_KIND[kind]}.${slug}`;

/**
 * Brings entries to what is wanted of them, all of them or none.
 * @throws EntryInvalid that names everything that is wrong with them
 */
export async function applyEntries(
  { table, resolver }: { readonly table: EntryTable; readonly resolver: EntryResolver },
  wanted: readonly DesiredEntry[],
  { replace, dryRun }: ApplyOptions,
): Promise<AppliedChanges> {
  const drafts = wanted.map(({ section, slug, source }): Draft => ({ kind: KIND_OF[section], slug, source }));
  try {
    return await table.runExclusively(async (tables) => {
      const changes = await write(table, tables, drafts, replace);
      judge(resolver, await table.readEntries(tables));
      if (dryRun) throw new Tried(changes);
      return changes;
    });
  } catch (cause) {
    if (cause instanceof Tried) return cause.changes;
    throw cause;
  }
}

async function write(
  table: EntryTable,
  tables: Kysely<RegistryTables>,
  drafts: readonly Draft[],
  replace: boolean,
): Promise<AppliedChanges> {
  const stored = new Map((await table.readEntries(tables)).map((entry) => [keyOf(entry), entry]));
  refuse(drafts.flatMap((draft) => faultOf(draft, stored.get(keyOf(draft)))));
  const changes = { created: [], updated: [], deleted: [], unchanged: [] } as Record<keyof AppliedChanges, string[]>;
  for (const draft of drafts) {
    const before = stored.get(keyOf(draft));
    const isSame = before !== undefined && isDeepStrictEqual(before.source, draft.source);
    changes[isSame ? 'unchanged' : before ? 'updated' : 'created'].push(nameOf(draft));
    if (isSame) continue;
    if (before) await table.update(tables, { ...draft, isManaged: false });
    else await table.insert(tables, { ...draft, isManaged: false });
  }
  const kept = new Set(drafts.map(keyOf));
  const surplus = [...stored.values()].filter((entry) => !entry.isManaged && !kept.has(keyOf(entry)));
  for (const entry of replace ? surplus : []) {
    await table.delete(tables, entry);
    if (entry.kind !== 'default') changes.deleted.push(nameOf({ kind: entry.kind, slug: entry.slug }));
  }
  return changes;
}

function faultOf(draft: Draft, before: StoredEntry | undefined): Fault[] {
  const path = nameOf(draft);
  const message = findSlugFault(draft.slug);
  if (message !== undefined) return [{ path, message }];
  if (!before) return [];
  if (before.kind !== draft.kind)
    return [{ path, message: `The name belongs to ${SECTION_BY_KIND[before.kind as NamedKind]} already.` }];
  if (!before.isManaged || isDeepStrictEqual(before.source, draft.source)) return [];
  return [{ path, message: 'It is declared in the configuration file, as something else. Change it there.' }];
}

/** As a whole: what refers to another entry must find it. What the file declares has been judged by itself. */
function judge(reader: EntryResolver, stored: readonly StoredEntry[]): void {
  const reading = reader.resolve(stored);
  const all = [reading.servers, reading.virtualServers, reading.teams, reading.policies, reading.limits].flat();
  refuse(all.flatMap(({ entry, faults }) => (entry.isManaged ? [] : faults)));
}

function refuse(faults: readonly Fault[]): void {
  if (faults.length > 0) throw new EntryInvalid(faults);
}
