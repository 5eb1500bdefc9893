import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import { DEFAULT_SLUG } from '../slug.js';

export type EntryKind = 'server' | 'virtual-server' | 'team' | 'policy' | 'limit' | 'default';

/** The section of the file that declares entries of a kind. */
export const SECTION_BY_KIND = {
  server: 'servers',
  'virtual-server': 'virtualServers',
  team: 'teams',
  policy: 'policies',
  limit: 'limits',
} as const;

export type NamedKind = keyof typeof SECTION_BY_KIND;

/** Teams, policies and limits have names of their own: a team may be called as its server is. */
const SHARE_THEIR_NAMES: ReadonlySet<EntryKind> = new Set(['server', 'virtual-server', 'default']);

/** One text for each entry, whatever its kind. */
export const keyOf = ({ kind, slug }: Pick<StoredEntry, 'kind' | 'slug'>): string =>
  SHARE_THEIR_NAMES.has(kind) ? slug : `${kind}:${slug}`;

/** An entry of the configuration file. */
export interface DeclaredEntry {
  readonly kind: EntryKind;
  readonly slug: string;
  /** Among its kind. */
  readonly position: number;
  /** As it stands in the file: with `${NAME}`, without defaults. */
  readonly source: JsonObject;
}

/** An entry as it lies in the database. */
export interface StoredEntry {
  readonly kind: EntryKind;
  readonly slug: string;
  /** Undefined: what is sealed in it was sealed with another secret, or was changed. */
  readonly source: JsonObject | undefined;
  /** Declared in the configuration file; `${NAME}` in it stands for a variable. */
  readonly isManaged: boolean;
  /** In the file, among its kind. */
  readonly position?: number;
  /** Grows with each change, also across deletion and creation. */
  readonly version: number;
  /** How often its server was to be reached anew. */
  readonly refreshes: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What a document without faults declares. */
export function toDeclaredEntries(document: JsonObject): readonly DeclaredEntry[] {
  // What is no JSON in YAML (infinity) would come back from the database as something else.
  const written = JSON.parse(JSON.stringify(document)) as JsonObject;
  const section = (kind: NamedKind) =>
    Object.entries(objectOf(written[SECTION_BY_KIND[kind]])).map(([slug, entry], position): DeclaredEntry => ({
      kind,
      slug,
      position,
      source: objectOf(entry),
    }));
  const ofDefault = {
    kind: 'default',
    slug: DEFAULT_SLUG,
    position: 0,
    source: objectOf(written['default']),
  } as const;
  const kinds = Object.keys(SECTION_BY_KIND) as NamedKind[];
  return [...kinds.flatMap(section), ofDefault];
}

const objectOf = (value: unknown): JsonObject => (isJsonObject(value) ? value : {});
