import type { Variables } from '#lib/config';
import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import { expandVariables } from '../expand-variables.js';
import { readServer } from '../read-server.js';
import type { LimitDefinition, PolicyDefinition, TeamDefinition } from '../policy-definition.js';
import { readLimit, readPolicy, readTeam } from '../read-policy.js';
import { readDefaultEndpoint, readVirtualServer } from '../read-virtual-server.js';
import type { Fault } from '../registry.errors.js';
import type { ServerDefinition, VirtualServerDefinition } from '../server-definition.js';
import type { RegistrySnapshot } from '../server-registry.js';
import { SECTION_OF, type NamedKind, type StoredEntry } from './entry.js';

/** A stored entry with the definition that its source has on this host. */
export interface EntryReading<Definition> {
  readonly entry: StoredEntry;
  /** Undefined when the entry cannot be used on this host. The faults say why. */
  readonly definition: Definition | undefined;
  readonly faults: readonly Fault[];
}

/** All resolved entries in their order. */
export interface RegistryReading {
  readonly servers: readonly EntryReading<ServerDefinition>[];
  readonly virtualServers: readonly EntryReading<VirtualServerDefinition>[];
  readonly teams: readonly EntryReading<TeamDefinition>[];
  readonly policies: readonly EntryReading<PolicyDefinition>[];
  readonly limits: readonly EntryReading<LimitDefinition>[];
  readonly defaultEndpoint: RegistrySnapshot['defaultEndpoint'];
  readonly faults: readonly Fault[];
}

const UNDECRYPTABLE =
  'The credentials cannot be decrypted: they were encrypted with a secret that credentials.secret does not contain, or were ' +
  'changed in the database. Add that secret to credentials.secret as a further line, or replace the entry.';

const PROGRAMS_NOT_ALLOWED =
  'would start a program on this host. Declare the server in the configuration file, or set ' +
  'ISTHMUS_ADMIN_MAY_START_PROGRAMS=true.';

/** Rules for entries created over the admin API. */
export interface EntryRules {
  /** Such entries may start child processes. */
  readonly mayStartPrograms: boolean;
}

const isResolvedAlike = (one: StoredEntry, other: StoredEntry): boolean =>
  one.isManaged === other.isManaged && one.refreshes === other.refreshes;

/** Resolves stored entries to definitions by the rules of the configuration file. */
export class EntryReader {
  /** Cache by the source object, whose identity changes only with its content. */
  private readonly known = new WeakMap<JsonObject, EntryReading<ServerDefinition>>();

  /** `variables`: values of `${NAME}` in managed entries. In other entries `${NAME}` is plain text. */
  constructor(
    private readonly variables: Variables,
    private readonly rules: EntryRules,
  ) {}

  read(entries: readonly StoredEntry[]): RegistryReading {
    const ofKind = (kind: StoredEntry['kind']) => entries.filter((entry) => entry.kind === kind);
    const servers = ofKind('server').map((entry) => this.readServerOnce(entry));
    const slugs = new Set(servers.map(({ entry }) => entry.slug));
    const usableSlugs = new Set(servers.flatMap(({ definition }) => definition?.slug ?? []));
    const virtualServers = ofKind('virtual-server').map((entry) => this.readVirtual(entry, slugs, usableSlugs));
    const teams = ofKind('team').map((entry) => this.readNamed(entry, 'team', readTeam));
    const policies = ofKind('policy').map((entry) => this.readNamed(entry, 'policy', readPolicy));
    const limits = ofKind('limit').map((entry) => this.readNamed(entry, 'limit', readLimit));
    const faults: Fault[] = [];
    const [defaultEntry] = ofKind('default');
    const defaultEndpoint = readDefaultEndpoint(defaultEntry && this.expand(defaultEntry, 'default', faults), faults);
    faults.push(
      ...[...servers, ...virtualServers, ...teams, ...policies, ...limits].flatMap((resolved) => resolved.faults),
    );
    return { servers, virtualServers, teams, policies, limits, defaultEndpoint, faults };
  }

  private readServerOnce(entry: StoredEntry): EntryReading<ServerDefinition> {
    const cached = entry.written && this.known.get(entry.written);
    if (cached && isResolvedAlike(cached.entry, entry)) return { ...cached, entry };
    const faults: Fault[] = [];
    const written = this.expand(entry, `servers.${entry.slug}`, faults);
    const read = written && this.readServer(entry, written, faults);
    const definition = read && entry.refreshes > 0 ? { ...read, refreshes: entry.refreshes } : read;
    const resolved = { entry, definition, faults };
    if (entry.written) this.known.set(entry.written, resolved);
    return resolved;
  }

  /** Restricts servers created over the admin API. The author of the configuration file has full access to this host anyway. */
  private readServer(
    { slug, isManaged }: StoredEntry,
    written: JsonObject,
    faults: Fault[],
  ): ServerDefinition | undefined {
    if (isManaged) return readServer(slug, written, faults);
    if (written['transport'] === 'stdio' && !this.rules.mayStartPrograms) {
      faults.push({ path: `servers.${slug}.transport`, message: PROGRAMS_NOT_ALLOWED });
      return undefined;
    }
    const definition = readServer(slug, written, faults);
    return definition && { ...definition, guarded: true };
  }

  private readVirtual(
    entry: StoredEntry,
    slugs: ReadonlySet<string>,
    usableSlugs: ReadonlySet<string>,
  ): EntryReading<VirtualServerDefinition> {
    const faults: Fault[] = [];
    const written = this.expand(entry, `virtualServers.${entry.slug}`, faults);
    const read = written && readVirtualServer(entry.slug, written, slugs, faults);
    const definition = read && { ...read, servers: read.servers.filter((slug) => usableSlugs.has(slug)) };
    return { entry, definition, faults };
  }

  private readNamed<Definition>(
    entry: StoredEntry,
    kind: NamedKind,
    read: (slug: string, written: JsonObject, faults: Fault[]) => Definition | undefined,
  ): EntryReading<Definition> {
    const faults: Fault[] = [];
    const written = this.expand(entry, `${SECTION_OF[kind]}.${entry.slug}`, faults);
    return { entry, definition: written && read(entry.slug, written, faults), faults };
  }

  /** Expands variables in the source of a managed entry. Undefined when a variable is missing or the source is unreadable. */
  private expand({ written, isManaged }: StoredEntry, path: string, faults: Fault[]): JsonObject | undefined {
    if (written === undefined) {
      faults.push({ path, message: UNDECRYPTABLE });
      return undefined;
    }
    if (!isManaged) return written;
    const missing: Fault[] = [];
    const expanded = expandVariables(written, this.variables, missing);
    faults.push(...missing.map((fault) => ({ ...fault, path: `${path}.${fault.path}` })));
    return missing.length === 0 && isJsonObject(expanded) ? expanded : undefined;
  }
}
