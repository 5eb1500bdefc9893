import type { AddressGuard } from '#lib/address-guard';
import type { Variables } from '#lib/config';
import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import { findAddressFault } from '../address-rule.js';
import { expandVariables, type SecretLookup } from '../expand-variables.js';
import { readSecret } from '../read-secret.js';
import type { GuardrailDefinition } from '../guardrail-definition.js';
import type { KnownChecks } from '../known-checks.js';
import type { LimitDefinition, PolicyDefinition, TeamDefinition } from '../policy-definition.js';
import { readGuardrail } from '../read-guardrail.js';
import { readLimit, readPolicy, readTeam } from '../read-policy.js';
import { readDefaultEndpoint, readVirtualServer } from '../read-virtual-server.js';
import type { Fault } from '../registry.errors.js';
import { toSampleServer } from '../sample-server.js';
import type { SecretDefinition } from '../secret-definition.js';
import type { ServerDefinition, VirtualServerDefinition } from '../server-definition.js';
import type { ServerKinds } from '../server-kinds.js';
import type { RegistrySnapshot } from '../server-registry.js';
import { Secrets, type UsedSecrets } from './secrets.js';
import { KINDS_WITH_SECRETS, SECTION_BY_KIND, type NamedKind, type StoredEntry } from './entry.js';

/** A stored entry with the definition that its source has on this host. */
export interface ResolvedEntry<Definition> {
  readonly entry: StoredEntry;
  /** Undefined when the entry cannot be used on this host. The faults say why. */
  readonly definition: Definition | undefined;
  readonly faults: readonly Fault[];
}

/** All resolved entries in their order. */
export interface ResolvedRegistry {
  readonly servers: readonly ResolvedEntry<ServerDefinition>[];
  readonly virtualServers: readonly ResolvedEntry<VirtualServerDefinition>[];
  readonly teams: readonly ResolvedEntry<TeamDefinition>[];
  readonly policies: readonly ResolvedEntry<PolicyDefinition>[];
  readonly limits: readonly ResolvedEntry<LimitDefinition>[];
  readonly guardrails: readonly ResolvedEntry<GuardrailDefinition>[];
  readonly secrets: readonly ResolvedEntry<SecretDefinition>[];
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
  /** Addresses at which such servers may be. */
  readonly addresses: AddressGuard;
}

/** A resolved server with the secrets that it was resolved with. */
interface ResolvedServer extends ResolvedEntry<ServerDefinition> {
  readonly usedSecrets: UsedSecrets;
}

/** Entries other than servers and guardrails cannot refer to secrets. */
const NO_SECRETS: SecretLookup = {
  depth: 0,
  resolve: () => ({ fault: 'Only servers and guardrails can use secrets.' }),
};

const isResolvedAlike = (one: StoredEntry, other: StoredEntry): boolean =>
  one.isManaged === other.isManaged && one.refreshes === other.refreshes && one.identity === other.identity;

/** Returns the URLs of a server and of its tools, with their paths in the entry. */
function urlsOf({ url, tools }: JsonObject = {}): readonly (readonly [path: string, url: string])[] {
  const ofTools = Object.entries(isJsonObject(tools) ? tools : {}).map(
    ([name, tool]) => [`tools.${name}.url`, isJsonObject(tool) ? tool['url'] : undefined] as const,
  );
  return [['url', url] as const, ...ofTools].flatMap(([path, each]) =>
    typeof each === 'string' ? [[path, each] as const] : [],
  );
}

/** Resolves stored entries to definitions by the rules of the configuration file. */
export class EntryResolver {
  /** Cache by the source object, whose identity changes only with its content. */
  private readonly resolvedServers = new WeakMap<JsonObject, ResolvedServer>();

  /** `variables`: values of `${NAME}` in managed entries. In other entries `${NAME}` is plain text. */
  constructor(
    private readonly variables: Variables,
    private readonly kinds: ServerKinds,
    private readonly rules: EntryRules,
    private readonly checks: KnownChecks,
  ) {}

  resolve(entries: readonly StoredEntry[]): ResolvedRegistry {
    const ofKind = (kind: StoredEntry['kind']) => entries.filter((entry) => entry.kind === kind);
    const secrets = ofKind('secret').map((entry) => this.resolveEntry(entry, 'secret', readSecret));
    const named = new Secrets(secrets);
    const servers = ofKind('server').map((entry) => this.resolveServerOnce(entry, named));
    const slugs = new Set(servers.map(({ entry }) => entry.slug));
    const usableSlugs = new Set(servers.flatMap(({ definition }) => definition?.slug ?? []));
    const virtualServers = ofKind('virtual-server').map((entry) =>
      this.resolveVirtualServer(entry, slugs, usableSlugs),
    );
    const teams = ofKind('team').map((entry) => this.resolveEntry(entry, 'team', readTeam));
    const policies = ofKind('policy').map((entry) => this.resolveEntry(entry, 'policy', readPolicy));
    const limits = ofKind('limit').map((entry) => this.resolveEntry(entry, 'limit', readLimit));
    const guardrails = ofKind('guardrail').map((entry) => this.resolveGuardrail(entry, named));
    const faults: Fault[] = [];
    const [defaultEntry] = ofKind('default');
    const defaultEndpoint = readDefaultEndpoint(defaultEntry && this.expand(defaultEntry, 'default', faults), faults);
    faults.push(
      ...[...servers, ...virtualServers, ...teams, ...policies, ...limits, ...guardrails, ...secrets].flatMap(
        (resolved) => resolved.faults,
      ),
    );
    return { servers, virtualServers, teams, policies, limits, guardrails, secrets, defaultEndpoint, faults };
  }

  private resolveServerOnce(entry: StoredEntry, secrets: Secrets): ResolvedEntry<ServerDefinition> {
    const cached = entry.source && this.resolvedServers.get(entry.source);
    if (cached && isResolvedAlike(cached.entry, entry) && secrets.areUnchanged(cached.usedSecrets)) {
      return { ...cached, entry };
    }
    const faults: Fault[] = [];
    const usedSecrets = new Map<string, JsonObject | undefined>();
    const source = this.expand(entry, `servers.${entry.slug}`, faults, secrets.lookupFor(entry, usedSecrets));
    const read = source && this.resolveServer(entry, source, faults);
    if (read?.transport === 'unloaded') {
      const message = this.kinds.toUnloadedText(read.kind);
      faults.push({ path: `servers.${entry.slug}.transport`, message, isUnloaded: true });
    }
    const definition = read && entry.refreshes > 0 ? { ...read, refreshes: entry.refreshes } : read;
    const resolved = { entry, definition, faults, usedSecrets };
    if (entry.source) this.resolvedServers.set(entry.source, resolved);
    return resolved;
  }

  /**
   * Finds the fault of a server that is about to be written over the admin API with an address of a forbidden network. The URL
   * that is stored already passes, so that such a server can be disabled; the gateway does not connect to it.
   */
  findAddressFaults(draft: Pick<StoredEntry, 'kind' | 'slug' | 'source'>, stored: StoredEntry | undefined): Fault[] {
    if (draft.kind !== 'server') return [];
    const known = new Set(urlsOf(stored?.source).map(([, url]) => url));
    return urlsOf(draft.source).flatMap(([path, url]) => {
      const message = known.has(url) ? undefined : findAddressFault(url, this.rules.addresses);
      return message === undefined ? [] : [{ path: `servers.${draft.slug}.${path}`, message }];
    });
  }

  /** Restricts servers created over the admin API. The author of the configuration file has full access to this host anyway. */
  private resolveServer(
    { slug, isManaged, identity }: StoredEntry,
    source: JsonObject,
    faults: Fault[],
  ): ServerDefinition | undefined {
    if (isManaged) return this.kinds.read(slug, source, faults);
    const sample = toSampleServer(source, this.variables);
    const startsPrograms = this.kinds.find(source['transport'])?.startsPrograms === true;
    if (startsPrograms && !sample && !this.rules.mayStartPrograms) {
      faults.push({ path: `servers.${slug}.transport`, message: PROGRAMS_NOT_ALLOWED });
      return undefined;
    }
    const definition = this.kinds.read(slug, sample ?? source, faults);
    return definition && { ...definition, guarded: true, ...(identity !== undefined && { identity }) };
  }

  private resolveVirtualServer(
    entry: StoredEntry,
    slugs: ReadonlySet<string>,
    usableSlugs: ReadonlySet<string>,
  ): ResolvedEntry<VirtualServerDefinition> {
    const faults: Fault[] = [];
    const source = this.expand(entry, `virtualServers.${entry.slug}`, faults);
    const read = source && readVirtualServer(entry.slug, source, slugs, faults);
    const definition = read && { ...read, servers: read.servers.filter((slug) => usableSlugs.has(slug)) };
    return { entry, definition, faults };
  }

  private resolveGuardrail(entry: StoredEntry, secrets: Secrets): ResolvedEntry<GuardrailDefinition> {
    const faults: Fault[] = [];
    const source = this.expand(entry, `guardrails.${entry.slug}`, faults, secrets.lookupFor(entry, new Map()));
    return { entry, definition: source && readGuardrail(entry.slug, source, faults, this.checks), faults };
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

  /**
   * Expands secrets in the source of a server, and variables in that of a managed entry. Undefined when one of them is missing or
   * the source is unreadable.
   */
  private expand(
    { kind, source, outage, isManaged }: StoredEntry,
    path: string,
    faults: Fault[],
    secrets = NO_SECRETS,
  ): JsonObject | undefined {
    if (source === undefined) {
      faults.push({ path, message: outage ?? UNDECRYPTABLE });
      return undefined;
    }
    if (!isManaged && !KINDS_WITH_SECRETS.has(kind)) return source;
    const missing: Fault[] = [];
    const expansion = { secrets, faults: missing, ...(isManaged && { variables: this.variables }) };
    const expanded = expandVariables(source, expansion);
    faults.push(...missing.map((fault) => ({ ...fault, path: `${path}.${fault.path}` })));
    return missing.length === 0 && isJsonObject(expanded) ? expanded : undefined;
  }
}
