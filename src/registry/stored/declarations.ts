import { isDeepStrictEqual } from 'node:util';
import { Logger } from '@nestjs/common';
import type { Clock } from '#lib/time';
import { findSecretReferences } from '../credentials.js';
import { dependsOn } from './dependents.js';
import type { UnknownReference } from '../references.js';
import { DeclarationConflict, type Fault } from '../registry.errors.js';
import {
  keyOf,
  KINDS_WITH_SECRETS,
  SECTION_BY_KIND,
  type DeclaredEntry,
  type NamedKind,
  type StoredEntry,
} from './entry.js';
import type { EntryCipher } from './entry-cipher.js';
import type { EntryChange } from './entry-change.js';
import type { RegistryState } from './entry-rows.js';
import type { EntryTable } from './entry-table.js';

interface Declaration {
  readonly entries: readonly DeclaredEntry[];
  readonly digest: string;
  /** References to servers and teams that the file does not declare. */
  readonly unknownReferences: readonly UnknownReference[];
}

/** Kinds whose entries are invalid without what they refer to. Policies and limits may outlive a server that they name. */
const HARD_DEPENDENTS: ReadonlySet<string> = new Set(['virtual-server', 'server']);

/** Delay before the warning, because the gateways of one host read the same file at slightly different times. */
const WARNING_DELAY_MS = 5_000;

/**
 * Stores the entries that the configuration file declares. The file that was read last is in force on all hosts. Between
 * two reads of its file, a gateway does not restore its own declaration.
 */
export class Declarations {
  private readonly logger = new Logger('Registry');
  /** The last declaration of this worker. */
  private lastDeclaration: Declaration | undefined;
  private foreignDeclaration: { readonly digest: string; readonly sinceMs: number; isLogged: boolean } | undefined;

  constructor(
    private readonly table: EntryTable,
    private readonly cipher: EntryCipher,
    private readonly file: string,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes these entries the managed ones: inserts, updates and deletes what differs, all or nothing.
   * @throws DeclarationConflict when they conflict with entries created over the admin API
   */
  async declare(entries: readonly DeclaredEntry[], unknownReferences: readonly UnknownReference[] = []): Promise<void> {
    const declaration = { entries, digest: this.cipher.digest(entries), unknownReferences };
    if (!(await this.isInForce(declaration))) {
      await this.table.runExclusively((change) => this.write(change, declaration));
    }
    this.lastDeclaration = declaration;
  }

  /** True when any gateway has applied a file to this database. */
  async haveBeenMade(): Promise<boolean> {
    return (await this.table.readState()).declaration !== undefined;
  }

  /**
   * Repairs managed entries of this worker's declaration that were changed manually. Returns the slugs of the repaired
   * entries, empty when another worker has repaired them. Returns undefined when no repair was needed.
   * @throws DeclarationConflict when they conflict with entries created over the admin API
   */
  async repair(state: RegistryState, stored: readonly StoredEntry[]): Promise<readonly string[] | undefined> {
    const own = this.lastDeclaration;
    if (own === undefined || own.digest !== state.declaration) return undefined;
    if (findDifferences(own, stored).length === 0) return undefined;
    return await this.table.runExclusively(async (change) => {
      // What the file refers to was there when it was applied, and may have been deleted since.
      // Another gateway may have applied its file or repaired the entries in the meantime.
      const { declaration } = await change.readState();
      return declaration === own.digest ? await this.write(change, { ...own, unknownReferences: [] }) : [];
    });
  }

  /** Warns once when another declaration than that of this gateway has been in force for a while. */
  warnIfOverridden({ declaration }: RegistryState): void {
    if (
      this.lastDeclaration === undefined ||
      declaration === undefined ||
      declaration === this.lastDeclaration.digest
    ) {
      this.foreignDeclaration = undefined;
      return;
    }
    if (this.foreignDeclaration?.digest !== declaration) {
      this.foreignDeclaration = { digest: declaration, sinceMs: this.clock.monotonicNow(), isLogged: false };
    }
    if (
      this.foreignDeclaration.isLogged ||
      this.clock.monotonicNow() - this.foreignDeclaration.sinceMs < WARNING_DELAY_MS
    )
      return;
    this.foreignDeclaration.isLogged = true;
    this.logger.warn(
      `Another gateway has applied a configuration file that differs from ${this.file}. Its file stays in force until this ` +
        'file is read again. Use the same file on all hosts.',
    );
  }

  private async isInForce(declaration: Declaration): Promise<boolean> {
    const state = await this.table.readState();
    if (state.declaration !== declaration.digest) return false;
    return findDifferences(declaration, await this.table.readEntries()).length === 0;
  }

  private async write(change: EntryChange, declaration: Declaration): Promise<readonly string[]> {
    const stored = await change.readEntries();
    const faults = findConflicts(declaration, stored);
    if (faults.length > 0) throw new DeclarationConflict(this.file, faults);
    const changes = findDifferences(declaration, stored);
    const storedKeys = new Set(stored.map(keyOf));
    for (const { entry, declared } of changes) {
      if (declared === undefined) await change.delete(entry);
      else if (storedKeys.has(keyOf(entry))) await change.update({ ...declared, isManaged: true });
      else await change.insert({ ...declared, isManaged: true });
    }
    await change.setDeclaration(declaration.digest);
    return changes.map(({ entry }) => entry.slug);
  }
}

/** `declared`: absent when the entry is no longer declared. */
interface Difference {
  readonly entry: Pick<StoredEntry, 'kind' | 'slug'>;
  readonly declared?: DeclaredEntry;
}

function findDifferences(
  { entries }: Pick<Declaration, 'entries'>,
  stored: readonly StoredEntry[],
): readonly Difference[] {
  const managed = new Map(stored.filter(({ isManaged }) => isManaged).map((entry) => [keyOf(entry), entry]));
  const keys = new Set(entries.map(keyOf));
  const removed = [...managed.values()].filter((entry) => !keys.has(keyOf(entry))).map((entry) => ({ entry }));
  const changed = entries
    .filter((declared) => !isSame(declared, managed.get(keyOf(declared))))
    .map((declared) => ({ entry: declared, declared }));
  return [...removed, ...changed];
}

const isSame = ({ kind, position, source }: DeclaredEntry, stored: StoredEntry | undefined): boolean =>
  stored !== undefined &&
  stored.kind === kind &&
  stored.position === position &&
  // What the secret store does not open now is not known to differ.
  (stored.outage !== undefined || isDeepStrictEqual(stored.source, source));

/** Finds conflicts with entries created over the admin API: names that are taken, and servers that are still used. */
function findConflicts(
  { entries: declared, unknownReferences }: Declaration,
  stored: readonly StoredEntry[],
): readonly Fault[] {
  const unmanaged = new Map(stored.filter(({ isManaged }) => !isManaged).map((entry) => [keyOf(entry), entry]));
  const taken = declared.flatMap(({ kind, slug }) => {
    const message =
      'An entry with this name was created over the admin API. Choose another name here, or delete that entry there.';
    return kind !== 'default' && unmanaged.has(keyOf({ kind, slug }))
      ? [{ path: `${SECTION_BY_KIND[kind]}.${slug}`, message }]
      : [];
  });
  return [
    ...taken,
    ...findUsedRemovals(declared, stored, [...unmanaged.values()]),
    ...findUnknownSecrets(declared, unmanaged),
    ...unknownReferences.filter(({ kind, name }) => unmanaged.get(keyOf({ kind, slug: name }))?.kind !== kind),
  ];
}

/** Finds entries that the file no longer declares although entries created over the admin API cannot do without them. */
function findUsedRemovals(
  declared: readonly DeclaredEntry[],
  stored: readonly StoredEntry[],
  unmanaged: readonly StoredEntry[],
): readonly Fault[] {
  const keys = new Set(declared.map(keyOf));
  const removed = stored.filter((entry) => entry.isManaged && !keys.has(keyOf(entry)));
  return removed.flatMap(({ kind, slug }) => {
    const dependents = unmanaged.filter((entry) => HARD_DEPENDENTS.has(entry.kind) && dependsOn(entry, { kind, slug }));
    if (dependents.length === 0 || kind === 'default') return [];
    const names = dependents.map((dependent) => dependent.slug).join(', ');
    const message = `The ${kind} cannot be removed: ${names}, created over the admin API, uses it. Remove it there first.`;
    return [{ path: `${SECTION_BY_KIND[kind]}.${slug}`, message }];
  });
}

function findUnknownSecrets(
  declared: readonly DeclaredEntry[],
  unmanaged: ReadonlyMap<string, StoredEntry>,
): readonly Fault[] {
  const known = new Set([...declared.map(keyOf), ...unmanaged.keys()]);
  return declared
    .filter(({ kind }) => KINDS_WITH_SECRETS.has(kind))
    .flatMap(({ kind, slug, source }) =>
      [...findSecretReferences(source)]
        .filter((name) => !known.has(keyOf({ kind: 'secret', slug: name })))
        .map((name) => ({
          path: `${SECTION_BY_KIND[kind as NamedKind]}.${slug}`,
          message: `No secret is named "${name}". Declare it in the section secrets, or create it over the admin API.`,
        })),
    );
}
