import { isDeepStrictEqual } from 'node:util';
import { Logger } from '@nestjs/common';
import type { Kysely } from 'kysely';
import { isMadeOf } from './uses.js';
import { RegistryFault, type Fault } from '../registry.errors.js';
import { keyOf, SECTION_OF, type DeclaredEntry, type StoredEntry } from './entry.js';
import type { EntrySeal } from './entry-seal.js';
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
  private mine: Declaration | undefined;
  private foreign: { readonly digest: string; readonly sinceMs: number; isTold: boolean } | undefined;

  constructor(
    private readonly table: EntryTable,
    private readonly seal: EntrySeal,
    private readonly file: string,
  ) {}

  /**
   * Makes these entries the ones that are declared: adds, changes and deletes what differs, as a whole or not at all.
   * @throws RegistryFault when they contradict what was made over the admin API
   */
  async declare(entries: readonly DeclaredEntry[]): Promise<void> {
    const declaration = { entries, digest: this.seal.digest(entries) };
    if (!(await this.isInForce(declaration))) {
      await this.table.exclusively((tables) => this.write(tables, declaration));
    }
    this.mine = declaration;
  }

  /**
   * Puts right what somebody changed by hand among the entries that were declared here. Gives the slugs of those: none
   * when another worker was first. Undefined when nothing was wrong.
   * @throws RegistryFault when they contradict what was made over the admin API
   */
  async repair(state: RegistryState, stored: readonly StoredEntry[]): Promise<readonly string[] | undefined> {
    const { mine } = this;
    if (mine === undefined || mine.digest !== state.declaration) return undefined;
    if (differences(mine, stored).length === 0) return undefined;
    return await this.table.exclusively(async (tables) => {
      // Another gateway may have read its file meanwhile, or put it right already.
      const { declaration } = await this.table.state(tables);
      return declaration === mine.digest ? await this.write(tables, mine) : [];
    });
  }

  /** Tells, once, that something else is declared than the file of this gateway says, unless that is over soon. */
  watchOver({ declaration }: RegistryState): void {
    if (this.mine === undefined || declaration === undefined || declaration === this.mine.digest) {
      this.foreign = undefined;
      return;
    }
    if (this.foreign?.digest !== declaration) {
      this.foreign = { digest: declaration, sinceMs: performance.now(), isTold: false };
    }
    if (this.foreign.isTold || performance.now() - this.foreign.sinceMs < FOREIGN_AFTER_MS) return;
    this.foreign.isTold = true;
    this.logger.warn(
      `Another gateway has declared something else than ${this.file} says here; that is what counts until this file is ` +
        'read again. The files of all hosts should be the same.',
    );
  }

  private async isInForce(declaration: Declaration): Promise<boolean> {
    const state = await this.table.state();
    if (state.declaration !== declaration.digest) return false;
    return differences(declaration, await this.table.entries()).length === 0;
  }

  private async write(tables: Kysely<RegistryTables>, declaration: Declaration): Promise<readonly string[]> {
    const stored = await this.table.entries(tables);
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

const isSame = ({ kind, position, written }: DeclaredEntry, stored: StoredEntry | undefined): boolean =>
  stored !== undefined &&
  stored.kind === kind &&
  stored.position === position &&
  isDeepStrictEqual(stored.written, written);

/** What the admin API made and the file would take the name, or the servers, of. */
function contradictions(declared: readonly DeclaredEntry[], stored: readonly StoredEntry[]): readonly Fault[] {
  const own = new Map(stored.filter(({ isManaged }) => !isManaged).map((entry) => [keyOf(entry), entry]));
  const taken = declared.flatMap(({ kind, slug }) => {
    const message =
      'An entry of this name was made over the admin API. Choose another name here, or delete that entry there.';
    return kind !== 'default' && own.has(keyOf({ kind, slug }))
      ? [{ path: `${SECTION_OF[kind]}.${slug}`, message }]
      : [];
  });
  const servers = new Set(declared.filter(({ kind }) => kind === 'server').map(({ slug }) => slug));
  const lost = stored.filter(({ kind, isManaged, slug }) => isManaged && kind === 'server' && !servers.has(slug));
  const missed = lost.flatMap(({ slug }) => {
    const users = [...own.values()].filter((entry) => isMadeOf(entry, slug));
    if (users.length === 0) return [];
    const names = users.map((user) => user.slug).join(', ');
    const message = `It cannot be left out: it belongs to ${names}, made over the admin API. Take it out there first.`;
    return [{ path: `servers.${slug}`, message }];
  });
  return [...taken, ...missed];
}
