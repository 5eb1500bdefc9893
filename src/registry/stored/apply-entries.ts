import { isDeepStrictEqual } from 'node:util';
import type { AppliedChanges, ApplyOptions, DesiredEntry } from '../registry-changes.js';
import { EntryInvalid, type Fault } from '../registry.errors.js';
import { findSlugFault } from '../slug.js';
import { keyOf, SECTION_BY_KIND, type NamedKind, type StoredEntry } from './entry.js';
import type { EntryResolver, ResolvedRegistry } from './entry-resolver.js';
import { findWarnings, namesOf } from './warnings.js';
import type { EntryChange } from './entry-change.js';
import type { EntryTable } from './entry-table.js';

interface Draft {
  readonly kind: NamedKind;
  readonly slug: string;
  readonly source: DesiredEntry['source'];
}

type WrittenChanges = Omit<AppliedChanges, 'warnings'>;

interface WriteContext {
  readonly change: EntryChange;
  readonly resolver: EntryResolver;
}

/** Rolls back the transaction of a dry run and carries its result. */
class DryRunCompleted extends Error {
  constructor(readonly changes: AppliedChanges) {
    super();
  }
}

const KIND_BY_SECTION = Object.fromEntries(
  Object.entries(SECTION_BY_KIND).map(([kind, section]) => [section, kind]),
) as Readonly<Record<DesiredEntry['section'], NamedKind>>;
const toPath = ({ kind, slug }: Pick<Draft, 'kind' | 'slug'>): string => `${SECTION_BY_KIND[kind]}.${slug}`;

/**
 * Creates and updates entries to match their desired state, all of them or none.
 * @throws EntryInvalid with every fault
 */
export async function applyEntries(
  { table, resolver }: { readonly table: EntryTable; readonly resolver: EntryResolver },
  desired: readonly DesiredEntry[],
  { replace, dryRun }: ApplyOptions,
): Promise<AppliedChanges> {
  const drafts = desired.map(({ section, slug, source }): Draft => ({
    kind: KIND_BY_SECTION[section],
    slug,
    source,
  }));
  try {
    return await table.runExclusively(async (change) => {
      const stored = await change.readEntries();
      const before = new Map(stored.map((entry) => [keyOf(entry), entry]));
      const written = await write({ change, resolver }, drafts, before, replace);
      const resolved = resolver.resolve(await change.readEntries());
      validate(resolved, resolver.resolve(stored), new Set([...written.created, ...written.updated]));
      const changes = { ...written, warnings: findWarningsOf(drafts, resolved) };
      if (dryRun) throw new DryRunCompleted(changes);
      return changes;
    });
  } catch (cause) {
    if (cause instanceof DryRunCompleted) return cause.changes;
    throw cause;
  }
}

async function write(
  { change, resolver }: WriteContext,
  drafts: readonly Draft[],
  stored: ReadonlyMap<string, StoredEntry>,
  replace: boolean,
): Promise<WrittenChanges> {
  throwIfAny(
    drafts.flatMap((draft) => {
      const before = stored.get(keyOf(draft));
      const faults = findFault(draft, before);
      return before?.isManaged ? faults : [...faults, ...resolver.findAddressFaults(draft, before)];
    }),
  );
  const changes = { created: [], updated: [], deleted: [], unchanged: [] } as Record<keyof WrittenChanges, string[]>;
  for (const draft of drafts) {
    const before = stored.get(keyOf(draft));
    const isSame = before !== undefined && isDeepStrictEqual(before.source, draft.source);
    changes[isSame ? 'unchanged' : before ? 'updated' : 'created'].push(toPath(draft));
    if (isSame) continue;
    if (before) await change.update({ ...draft, isManaged: false });
    else await change.insert({ ...draft, isManaged: false });
  }
  const desiredKeys = new Set(drafts.map(keyOf));
  const surplus = [...stored.values()].filter((entry) => !entry.isManaged && !desiredKeys.has(keyOf(entry)));
  for (const entry of replace ? surplus : []) {
    await change.delete(entry);
    if (entry.kind !== 'default') changes.deleted.push(toPath({ kind: entry.kind, slug: entry.slug }));
  }
  return changes;
}

function findFault(draft: Draft, before: StoredEntry | undefined): Fault[] {
  const path = toPath(draft);
  const message = findSlugFault(draft.slug);
  if (message !== undefined) return [{ path, message }];
  if (!before) return [];
  if (before.kind !== draft.kind)
    return [{ path, message: `An entry of ${SECTION_BY_KIND[before.kind as NamedKind]} already has this name.` }];
  if (!before.isManaged || isDeepStrictEqual(before.source, draft.source)) return [];
  return [{ path, message: 'The configuration file declares this entry differently. Change it there.' }];
}

/**
 * Validates all entries together, because entries refer to each other. Managed entries were validated with their file. What an entry
 * that is not written lacked before does not refuse the others, and what its extension lacks is a warning.
 *
 * @param written paths of the entries that were created or updated
 */
function validate(resolved: ResolvedRegistry, before: ResolvedRegistry, written: ReadonlySet<string>): void {
  const known = new Set(before.faults.map(toText));
  const faults = entriesOf(resolved).flatMap(({ entry, faults: found }) => {
    if (entry.isManaged) return [];
    const isWritten = written.has(pathOf(entry));
    return found.filter((fault) => !fault.isUnloaded && (isWritten || !known.has(toText(fault))));
  });
  throwIfAny(faults);
}

const toText = ({ path, message }: Fault): string => `${path}: ${message}`;

const pathOf = ({ kind, slug }: StoredEntry): string => toPath({ kind: kind as NamedKind, slug });

const entriesOf = ({ servers, virtualServers, teams, policies, limits, guardrails, secrets }: ResolvedRegistry) =>
  [servers, virtualServers, teams, policies, limits, guardrails, secrets].flat();

function findWarningsOf(drafts: readonly Draft[], resolved: ResolvedRegistry): readonly Fault[] {
  const names = namesOf(resolved);
  const written = new Set(drafts.map(toPath));
  return entriesOf(resolved).flatMap(({ entry, definition, faults }) => {
    const path = pathOf(entry);
    if (!written.has(path)) return [];
    const found = findWarnings({ entry, definition }, names).map((fault) => ({
      ...fault,
      path: `${path}.${fault.path}`,
    }));
    return [...faults.filter(({ isUnloaded }) => isUnloaded), ...found];
  });
}

function throwIfAny(faults: readonly Fault[]): void {
  if (faults.length > 0) throw new EntryInvalid(faults);
}
