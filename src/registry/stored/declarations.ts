import { isDeepStrictEqual } from 'node:util';
import { Logger } from '@nestjs/common';
import type { Kysely } from 'kysely';
import { usesServer } from './virtual-server-dependents.js';
import { RegistryFault, type Fault } from '../registry.errors.js';
import { keyOf, SECTION_BY_KIND, type DeclaredEntry, type StoredEntry } from './entry.js';
import type { EntryCipher } from './entry-cipher.js';
import type { EntryTable, RegistryState } from './entry-table.js';
import type { RegistryTables } from './registry-tables.js';

interface Declaration {
  readonly entries: readonly DeclaredEntry[];
  readonly digest: string;
}

/** Gateways of one host read the same file, though not in the same moment. */
const FOREIGN_AFTER_MS = 5_000;

/**
 * What the configuration file declares, in the database. The file that was read last counts, at whatever host; between
 * two readings nobody insists on its own.
 */
export class Declarations {
  private readonly logger = new Logger('Registry');
  /** What was declared here last. */
  private lastDeclaration: Declaration | undefined;
  private foreignDeclaration: { readonly digest: string; readonly sinceMs: number; isLogged: boolean } | undefined;

  constructor(
    private readonly table: EntryTable,
    private readonly cipher: EntryCipher,
    private readonly file: string,
  ) {}

  /**
   * Makes these entries the ones that are declared: adds, changes and deletes what differs, as a whole or not at all.
   * @throws RegistryFault when they contradict what was made over the admin API
   */
  async declare(entries: readonly DeclaredEntry[]): Promise<void> {
    const declaration = { entries, digest: this.cipher.digest(entries) };
    if (!(await this.isInForce(declaration))) {
      await this.table.runExclusively((tables) => this.write(tables, declaration));
    }
    this.lastDeclaration = declaration;
  }

  /**
   * Puts right what somebody changed by hand among the entries that were declared here. Gives the slugs of those: none
   * when another worker was first. Undefined when nothing was wrong.
   * @throws RegistryFault when they contradict what was made over the admin API
   */
  async repair(state: RegistryState, stored: readonly StoredEntry[]): Promise<readonly string[] | undefined> {
    const { lastDeclaration: mine } = this;
    if (mine === undefined || mine.digest !== state.declaration) return undefined;
    if (differences(mine, stored).length === 0) return undefined;
    return await this.table.runExclusively(async (tables) => {
      // Another gateway may have read its file meanwhile, or put it right already.
      const { declaration } = await this.table.readState(tables);
      return declaration === mine.digest ? await this.write(tables, mine) : [];
    });
  }

  /** Tells, once, that something else is declared than the file of this gateway says, unless that is over soon. */
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
      this.foreignDeclaration = { digest: declaration, sinceMs: performance.now(), isLogged: false };
    }
    if (this.foreignDeclaration.isLogged || performance.now() - this.foreignDeclaration.sinceMs < FOREIGN_AFTER_MS)
      return;
    this.foreignDeclaration.isLogged = true;
    this.logger.warn(
      `Another gateway has declared something else than ${this.file} says here; that is what counts until this file is ` +
        'read again. The files of all hosts should be the same.',
    );
  }

  private async isInForce(declaration: Declaration): Promise<boolean> {
    const state = await this.table.readState();
    if (state.declaration !== declaration.digest) return false;
    return differences(declaration, await this.table.readEntries()).length === 0;
  }

  private async write(tables: Kysely<RegistryTables>, declaration: Declaration): Promise<readonly string[]> {
    const stored = await this.table.readEntries(tables);
    const faults = contradictions(declaration.entries, stored);
    if (faults.length > 0) throw new RegistryFault(this.file, faults);
    const changes = differences(declaration, stored);
    const there = new Set(stored.map(keyOf));
    for (const { entry, declared } of changes) {
      if (declared === undefined) await this.table.delete(tables, entry);
      else if (there.has(keyOf(entry))) await this.table.update(tables, { ...declared, isManaged: true });
      else await this.table.insert(tables, { ...declared, isManaged: true });
    }
    await this.table.setDeclaration(tables, declaration.digest);
    return changes.map(({ entry }) => entry.slug);
  }
}

/** `declared`: absent when the entry is declared no more. */
interface Difference {
  readonly entry: Pick<StoredEntry, 'kind' | 'slug'>;
  readonly declared?: DeclaredEntry;
}

function differences({ entries }: Declaration, stored: readonly StoredEntry[]): readonly Difference[] {
  const managed = new Map(stored.filter(({ isManaged }) => isManaged).map((entry) => [keyOf(entry), entry]));
  const keys = new Set(entries.map(keyOf));
  const gone = [...managed.values()].filter((entry) => !keys.has(keyOf(entry))).map((entry) => ({ entry }));
  const changed = entries
    .filter((declared) => !isSame(declared, managed.get(keyOf(declared))))
    .map((declared) => ({ entry: declared, declared }));
  return [...gone, ...changed];
}

const isSame = ({ kind, position, source }: DeclaredEntry, stored: StoredEntry | undefined): boolean =>
  stored !== undefined &&
  stored.kind === kind &&
  stored.position === position &&
  isDeepStrictEqual(stored.source, source);

/** What the admin API made and the file would take the name, or the servers, of. */
function contradictions(declared: readonly DeclaredEntry[], stored: readonly StoredEntry[]): readonly Fault[] {
  const own = new Map(stored.filter(({ isManaged }) => !isManaged).map((entry) => [keyOf(entry), entry]));
  const taken = declared.flatMap(({ kind, slug }) => {
    const message =
      'An entry of this name was made over the admin API. Choose another name here, or delete that entry there.';
    return kind !== 'default' && own.has(keyOf({ kind, slug }))
      ? [{ path: `${SECTION_BY_KIND[kind]}.${slug}`, message }]
      : [];
  });
  const servers = new Set(declared.filter(({ kind }) => kind === 'server').map(({ slug }) => slug));
  const lost = stored.filter(({ kind, isManaged, slug }) => isManaged && kind === 'server' && !servers.has(slug));
  const missed = lost.flatMap(({ slug }) => {
    const users = [...own.values()].filter((entry) => usesServer(entry, slug));
    if (users.length === 0) return [];
    const names = users.map((user) => user.slug).join(', ');
    const message = `It cannot be left out: it belongs to ${names}, made over the admin API. Take it out there first.`;
    return [{ path: `servers.${slug}`, message }];
  });
  return [...taken, ...missed];
}
