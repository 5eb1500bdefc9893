import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import { DEFAULT_SLUG } from '../slug.js';

export type EntryKind = 'server' | 'virtual-server' | 'team' | 'policy' | 'limit' | 'guardrail' | 'secret' | 'default';

/** The section of the configuration file that declares the entries of a kind. */
export const SECTION_BY_KIND = {
  server: 'servers',
  'virtual-server': 'virtualServers',
  team: 'teams',
  policy: 'policies',
  limit: 'limits',
  guardrail: 'guardrails',
  secret: 'secrets',
} as const;

export type NamedKind = keyof typeof SECTION_BY_KIND;

/** Kinds that may refer to secrets. */
export const KINDS_WITH_SECRETS: ReadonlySet<EntryKind> = new Set(['server', 'guardrail']);

/** Kinds that share one namespace. Each other kind has its own, so that a team may have the name of a server. */
const SHARED_NAMESPACE: ReadonlySet<EntryKind> = new Set(['server', 'virtual-server', 'default']);

/** Returns the unique key of an entry, which is its primary key in the database. */
export const keyOf = ({ kind, slug }: Pick<StoredEntry, 'kind' | 'slug'>): string =>
  SHARED_NAMESPACE.has(kind) ? slug : `${kind}:${slug}`;

/** An entry of the configuration file. */
export interface DeclaredEntry {
  readonly kind: EntryKind;
  readonly slug: string;
  /** Position in the file among entries of its kind. */
  readonly position: number;
  /** The source in the file: with `${NAME}`, without defaults. */
  readonly source: JsonObject;
}

/** An entry of the database. */
export interface StoredEntry {
  readonly kind: EntryKind;
  readonly slug: string;
  /** Undefined when its credentials cannot be opened. */
  readonly source: JsonObject | undefined;
  /** Why the secret store has not opened its credentials. It is asked again. */
  readonly outage?: string;
  /** The members without credentials, during an outage. */
  readonly plain?: JsonObject;
  /** True for an entry that the configuration file declares; `${NAME}` in it refers to a variable. */
  readonly isManaged: boolean;
  /** Position in the file among entries of its kind. */
  readonly position?: number;
  /** Increases with each change, also across deletion and re-creation. */
  readonly version: number;
  /** Number of refreshes requested for the server. */
  readonly refreshes: number;
  /** Distinguishes a server from earlier ones of its slug. Absent: the slug itself. */
  readonly identity?: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Converts a valid document to the entries that it declares. */
export function toDeclaredEntries(document: JsonObject): readonly DeclaredEntry[] {
  // YAML values that JSON lacks (such as infinity) would be read back from the database as something else.
  const json = JSON.parse(JSON.stringify(document)) as JsonObject;
  const section = (kind: NamedKind) =>
    Object.entries(toObject(json[SECTION_BY_KIND[kind]])).map(([slug, entry], position): DeclaredEntry => ({
      kind,
      slug,
      position,
      source: toObject(entry),
    }));
  const defaultEntry: DeclaredEntry = {
    kind: 'default',
    slug: DEFAULT_SLUG,
    position: 0,
    source: toObject(json['default']),
  };
  const kinds = Object.keys(SECTION_BY_KIND) as NamedKind[];
  return [...kinds.flatMap(section), defaultEntry];
}

const toObject = (value: unknown): JsonObject => (isJsonObject(value) ? value : {});
