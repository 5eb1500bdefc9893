import { Injectable } from '@nestjs/common';
import { AccessPolicy, type Caller, type GuardedEndpoint, type ItemKind } from '#lib/extension-kit';
import {
  glob,
  ServerRegistry,
  type RegistrySnapshot,
  type ServerDefinition,
  type VirtualServerDefinition,
} from '../registry/index.js';
import type { Endpoint } from './endpoint.js';
import { restrictEndpoint } from './restrict-endpoint.js';

/** The endpoint that shows every server. */
export const DEFAULT_ENDPOINT = 'default';

/** Finds the endpoint behind a slug. Built once per configuration, so that a look-up is one map access. */
@Injectable()
export class EndpointDirectory {
  private endpoints = new Map<string, Endpoint>();
  private builtFrom: RegistrySnapshot | undefined;

  /** What callers see of endpoints that are not shown to them in full; callers of one token are one object. */
  private views = new WeakMap<Endpoint, WeakMap<Caller, RestrictedView>>();

  constructor(
    private readonly registry: ServerRegistry,
    private readonly policy: AccessPolicy,
  ) {}

  /** The endpoint of a slug, the default one without a slug, nothing when there is none by that name. */
  find(slug: string = DEFAULT_ENDPOINT): Endpoint | undefined {
    const { snapshot } = this.registry;
    if (snapshot !== this.builtFrom) {
      const isOpenToAll = (guarded: GuardedEndpoint) => this.policy.isUnrestricted(guarded);
      this.endpoints = buildEndpoints(snapshot, isOpenToAll);
      this.builtFrom = snapshot;
    }
    return this.endpoints.get(slug);
  }

  /** The endpoint of a slug as this caller sees it; nothing when it is not there for this caller. */
  findFor(caller: Caller, slug?: string): Endpoint | undefined {
    const endpoint = this.find(slug);
    return endpoint && this.restrictFor(endpoint, caller);
  }

  /** Calls back when the caller finds other servers behind an endpoint than before, or more or less of them. */
  onChange(slug: string, caller: Caller, listener: (now: Endpoint | undefined) => void): () => void {
    const known = () => {
      const [whole, seen] = [this.find(slug), this.findFor(caller, slug)];
      const { policies } = this.registry.snapshot;
      return {
        servers: seen?.servers ?? [],
        selected: this.toSelectionText(slug),
        rules: seen === whole ? NO_RULES : policies,
      };
    };
    let before = known();
    return this.registry.onChange(() => {
      const now = known();
      const isSame =
        now.selected === before.selected &&
        now.rules === before.rules &&
        now.servers.length === before.servers.length &&
        now.servers.every((server, index) => server === before.servers[index]);
      before = now;
      if (!isSame) listener(this.findFor(caller, slug));
    });
  }

  private restrictFor(endpoint: Endpoint, caller: Caller): Endpoint | undefined {
    const ofEndpoint = this.views.get(endpoint) ?? new WeakMap<Caller, RestrictedView>();
    this.views.set(endpoint, ofEndpoint);
    const known = ofEndpoint.get(caller);
    if (known) return known.endpoint;
    const view = { endpoint: restrictEndpoint(endpoint, caller, this.policy) };
    ofEndpoint.set(caller, view);
    return view.endpoint;
  }

  private toSelectionText(slug: string): string | undefined {
    const virtual = this.registry.snapshot.virtualServers.find((candidate) => candidate.slug === slug);
    return virtual && JSON.stringify([virtual.tools, virtual.prompts, virtual.resources]);
  }
}

const NO_RULES: RegistrySnapshot['policies'] = [];

interface RestrictedView {
  readonly endpoint: Endpoint | undefined;
}

function buildEndpoints(
  snapshot: RegistrySnapshot,
  isOpen: (guarded: GuardedEndpoint) => boolean,
): Map<string, Endpoint> {
  const enabled = snapshot.servers.filter((server) => server.enabled);
  const endpoints = new Map<string, Endpoint>();
  const add = (made: Omit<Endpoint, 'isUnrestricted'>) =>
    // Where a token is asked for, there may be tokens that are good for some of the servers only.
    endpoints.set(made.id, { ...made, isUnrestricted: made.public && isOpen(made) });
  add({ ...snapshot.defaultEndpoint, id: DEFAULT_ENDPOINT, transparent: false, servers: enabled, ...EVERYTHING });
  for (const server of enabled) add(toServerEndpoint(server));
  for (const virtual of snapshot.virtualServers) add(toVirtualEndpoint(virtual, enabled));
  return endpoints;
}

function toServerEndpoint(server: ServerDefinition): Omit<Endpoint, 'isUnrestricted'> {
  return {
    ...(server.title !== undefined && { title: server.title }),
    id: server.slug,
    transparent: true,
    public: server.public,
    servers: [server],
    ...EVERYTHING,
  };
}

function toVirtualEndpoint(
  virtual: VirtualServerDefinition,
  enabled: readonly ServerDefinition[],
): Omit<Endpoint, 'isUnrestricted'> {
  const { slug: id, title, team, instructions } = virtual;
  return {
    id,
    ...(title !== undefined && { title }),
    ...(team !== undefined && { team }),
    ...(instructions !== undefined && { instructions }),
    transparent: false,
    public: virtual.public,
    servers: selectServers(virtual, enabled),
    ...toSelection(virtual),
  };
}

/** Those that are named, then those that are chosen by their tags. */
function selectServers({ servers, tags = [] }: VirtualServerDefinition, enabled: readonly ServerDefinition[]) {
  const named = servers.flatMap((slug) => enabled.filter((server) => server.slug === slug));
  const tagged = enabled.filter((server) => server.tags?.some((tag) => tags.includes(tag)));
  return [...new Set([...named, ...tagged])];
}

type Selection = Pick<Endpoint, 'shows' | 'showsAll'>;

const EVERYTHING: Selection = { shows: () => true, showsAll: () => true };

function toSelection(virtual: VirtualServerDefinition): Selection {
  const chosen: Record<ItemKind, NameMatcher | undefined> = {
    tools: toNameMatcher(virtual.tools),
    prompts: toNameMatcher(virtual.prompts),
    resources: toNameMatcher(virtual.resources),
  };
  return {
    shows: (kind, publicName) => chosen[kind]?.(publicName) ?? true,
    showsAll: (kind) => chosen[kind] === undefined,
  };
}

type NameMatcher = (publicName: string) => boolean;

function toNameMatcher(patterns: readonly string[] | undefined): NameMatcher | undefined {
  const globs = patterns?.map(glob);
  return globs && ((publicName) => globs.some((matches) => matches(publicName)));
}
