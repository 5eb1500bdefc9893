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
import { SECTION_BY_KIND, type NamedKind, type StoredEntry } from './entry.js';

/** What an entry means on this host. */
export interface ResolvedEntry<Definition> {
  readonly entry: StoredEntry;
  /** Undefined when the entry cannot be used here: the faults say why. */
  readonly definition: Definition | undefined;
  readonly faults: readonly Fault[];
}

/** What all entries mean, in their order. */
export interface ResolvedRegistry {
  readonly servers: readonly ResolvedEntry<ServerDefinition>[];
  readonly virtualServers: readonly ResolvedEntry<VirtualServerDefinition>[];
  readonly teams: readonly ResolvedEntry<TeamDefinition>[];
  readonly policies: readonly ResolvedEntry<PolicyDefinition>[];
  readonly limits: readonly ResolvedEntry<LimitDefinition>[];
  readonly defaultEndpoint: RegistrySnapshot['defaultEndpoint'];
  readonly faults: readonly Fault[];
}

const UNREADABLE =
  'Its credentials cannot be opened: they were sealed with a secret that credentials.secret does not hold, or changed in ' +
  'the database. Add that secret to the file as a further line, or write the entry anew.';

const NO_PROGRAMS =
  'starts a program on this host. Declare the server in the configuration file, or set ISTHMUS_ADMIN_MAY_START_PROGRAMS=true.';

/** What holds for entries that came over the network. */
export interface EntryRules {
  /** They may start child processes. */
  readonly mayStartPrograms: boolean;
}

const isReadAlike = (one: StoredEntry, other: StoredEntry): boolean =>
  one.isManaged === other.isManaged && one.refreshes === other.refreshes;

/** Makes definitions of stored entries, by the rules of the configuration file. */
export class EntryResolver {
  /** By what is written: it stays the same object as long as it does not change. */
  private readonly resolvedServers = new WeakMap<JsonObject, ResolvedEntry<ServerDefinition>>();

  /** `variables`: what `${NAME}` stands for in entries of the configuration file. In others it means nothing. */
  constructor(
    private readonly variables: Variables,
    private readonly rules: EntryRules,
  ) {}

  resolve(entries: readonly StoredEntry[]): ResolvedRegistry {
    const ofKind = (kind: StoredEntry['kind']) => entries.filter((entry) => entry.kind === kind);
    const servers = ofKind('server').map((entry) => this.resolveServerOnce(entry));
    const slugs = new Set(servers.map(({ entry }) => entry.slug));
    const served = new Set(servers.flatMap(({ definition }) => definition?.slug ?? []));
    const virtualServers = ofKind('virtual-server').map((entry) => this.resolveVirtualServer(entry, slugs, served));
    const teams = ofKind('team').map((entry) => this.resolveEntry(entry, 'team', readTeam));
    const policies = ofKind('policy').map((entry) => this.resolveEntry(entry, 'policy', readPolicy));
    const limits = ofKind('limit').map((entry) => this.resolveEntry(entry, 'limit', readLimit));
    const faults: Fault[] = [];
    const [inDefault] = ofKind('default');
    const defaultEndpoint = readDefaultEndpoint(inDefault && this.expand(inDefault, 'default', faults), faults);
    faults.push(
      ...[...servers, ...virtualServers, ...teams, ...policies, ...limits].flatMap((reading) => reading.faults),
    );
    return { servers, virtualServers, teams, policies, limits, defaultEndpoint, faults };
  }

  private resolveServerOnce(entry: StoredEntry): ResolvedEntry<ServerDefinition> {
    const known = entry.source && this.resolvedServers.get(entry.source);
    if (known && isReadAlike(known.entry, entry)) return { ...known, entry };
    const faults: Fault[] = [];
    const source = this.expand(entry, `servers.${entry.slug}`, faults);
    const read = source && this.resolveServer(entry, source, faults);
    const definition = read && entry.refreshes > 0 ? { ...read, refreshes: entry.refreshes } : read;
    const reading = { entry, definition, faults };
    if (entry.source) this.resolvedServers.set(entry.source, reading);
    return reading;
  }

  /** Who writes the configuration file may do anything on this host already; who comes over the network may not. */
  private resolveServer(
    { slug, isManaged }: StoredEntry,
    source: JsonObject,
    faults: Fault[],
  ): ServerDefinition | undefined {
    if (isManaged) return readServer(slug, source, faults);
    if (source['transport'] === 'stdio' && !this.rules.mayStartPrograms) {
      faults.push({ path: `servers.${slug}.transport`, message: NO_PROGRAMS });
      return undefined;
    }
    const definition = readServer(slug, source, faults);
    return definition && { ...definition, guarded: true };
  }

  private resolveVirtualServer(
    entry: StoredEntry,
    slugs: ReadonlySet<string>,
    served: ReadonlySet<string>,
  ): ResolvedEntry<VirtualServerDefinition> {
    const faults: Fault[] = [];
    const source = this.expand(entry, `virtualServers.${entry.slug}`, faults);
    const read = source && readVirtualServer(entry.slug, source, slugs, faults);
    const definition = read && { ...read, servers: read.servers.filter((slug) => served.has(slug)) };
    return { entry, definition, faults };
  }

  private resolveEntry<Definition>(
    entry: StoredEntry,
    kind: NamedKind,
    read: (slug: string, written: JsonObject, faults: Fault[]) => Definition | undefined,
  ): ResolvedEntry<Definition> {
    const faults: Fault[] = [];
    const source = this.expand(entry, `${SECTION_BY_KIND[kind]}.${entry.slug}`, faults);
    return { entry, definition: source && read(entry.slug, source, faults), faults };
  }

  /** What is written, as it is meant on this host. Undefined when it cannot be told. */
  private expand({ source, isManaged }: StoredEntry, path: string, faults: Fault[]): JsonObject | undefined {
    if (source === undefined) {
      faults.push({ path, message: UNREADABLE });
      return undefined;
    }
    if (!isManaged) return source;
    const missing: Fault[] = [];
    const expanded = expandVariables(source, this.variables, missing);
    faults.push(...missing.map((fault) => ({ ...fault, path: `${path}.${fault.path}` })));
    return missing.length === 0 && isJsonObject(expanded) ? expanded : undefined;
  }
}
