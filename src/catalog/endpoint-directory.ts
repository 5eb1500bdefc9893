import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { AccessPolicy, type Caller, type GuardedEndpoint, type ItemKind, type ItemUse } from '#lib/extension-kit';
import { Memberships } from '../memberships/index.js';
import {
  compileGlobs,
  compilePublicUriPatterns,
  ServerRegistry,
  type RegistrySnapshot,
  type ServerDefinition,
  type VirtualServerDefinition,
} from '../registry/index.js';
import { CatalogConfig } from './catalog.config.js';
import type { Endpoint } from './endpoint.js';
import { ListFilters } from './list-filters.js';
import { addNamePrefix, addUriPrefix } from './naming.js';
import { restrictEndpoint } from './restrict-endpoint.js';

/** The id of the endpoint over all enabled servers. */
export const DEFAULT_ENDPOINT = 'default';

/** Whose view of an endpoint is watched. `caller` may change. */
export interface EndpointViewer {
  readonly caller: Caller;
}

/**
 * What changed of an endpoint: the caller alone, so that it may see other items of the same servers, or the endpoint itself.
 */
export type EndpointChange = 'caller' | 'endpoint';

/** A running observation of an endpoint. */
export interface EndpointWatch {
  /** Compares now, because the viewer has another caller. */
  readonly check: () => void;
  readonly stop: () => void;
}

/** What one caller sees of an endpoint, for comparison. */
interface ObservedEndpoint {
  readonly servers: readonly ServerDefinition[];
  readonly selected: string | undefined;
  readonly rules: RegistrySnapshot['policies'];
  /** Undefined when the caller sees the whole endpoint. */
  readonly caller: Caller | undefined;
}

/** Finds endpoints by slug. Builds them once per configuration, so that a lookup is one map access. */
@Injectable()
export class EndpointDirectory {
  private endpoints = new Map<string, Endpoint>();
  private builtFrom: RegistrySnapshot | undefined;

  /** Endpoints as restricted callers see them. Requests with the same token share one Caller object. */
  private views = new WeakMap<Endpoint, WeakMap<Caller, RestrictedView>>();

  constructor(
    private readonly registry: ServerRegistry,
    private readonly policy: AccessPolicy,
    private readonly memberships: Memberships,
    private readonly config: CatalogConfig,
    private readonly filters: ListFilters,
  ) {}

  /** Returns the endpoint of a slug, the default endpoint without a slug, or undefined for an unknown slug. */
  find(slug: string = DEFAULT_ENDPOINT): Endpoint | undefined {
    const { snapshot } = this.registry;
    if (snapshot !== this.builtFrom) {
      // A filter may hide an item from some caller.
      const isUnrestricted = (guarded: GuardedEndpoint) => this.filters.isEmpty && this.policy.isUnrestricted(guarded);
      this.endpoints = buildEndpoints(snapshot, isUnrestricted, this.config.itemNames === 'original');
      this.builtFrom = snapshot;
    }
    return this.endpoints.get(slug);
  }

  /**
   * Returns the endpoint as the caller sees it, or undefined when the caller has no access to it. Resolves the caller's teams
   * at this moment, so the caller may be one that was authenticated long ago or by another worker.
   */
  findFor(caller: Caller, slug?: string): Endpoint | undefined {
    const endpoint = this.find(slug);
    return endpoint && this.restrictFor(endpoint, caller);
  }

  /**
   * Notifies the listener when the servers of an endpoint, its selection, the viewer's permissions or the viewer's teams
   * change, with the endpoint as the viewer sees it now.
   */
  watch(
    slug: string,
    viewer: EndpointViewer,
    listener: (now: Endpoint | undefined, change: EndpointChange) => void,
  ): EndpointWatch {
    let before = this.observe(slug, viewer);
    const check = () => {
      const now = this.observe(slug, viewer);
      const change = toChange(before, now);
      before = now;
      if (change) listener(this.findFor(viewer.caller, slug), change);
    };
    return { check, stop: this.registry.onChange(check) };
  }

  private observe(slug: string, { caller }: EndpointViewer): ObservedEndpoint {
    const [whole, seen] = [this.find(slug), this.findFor(caller, slug)];
    const seesWhole = seen === whole;
    return {
      servers: seen?.servers ?? [],
      selected: this.toSelectionText(slug),
      rules: seesWhole ? NO_RULES : this.registry.snapshot.policies,
      caller: seesWhole ? undefined : this.memberships.current(caller),
    };
  }

  private restrictFor(endpoint: Endpoint, caller: Caller): Endpoint | undefined {
    const endpointViews = this.views.get(endpoint) ?? new WeakMap<Caller, RestrictedView>();
    this.views.set(endpoint, endpointViews);
    const known = endpointViews.get(caller);
    if (known) return known.endpoint;
    const current = this.memberships.current(caller);
    const restricted = restrictEndpoint(endpoint, current, this.policy);
    const view = { endpoint: restricted && this.filters.apply(restricted, current) };
    endpointViews.set(caller, view);
    return view.endpoint;
  }

  private toSelectionText(slug: string): string | undefined {
    const virtual = this.registry.snapshot.virtualServers.find((candidate) => candidate.slug === slug);
    return virtual && JSON.stringify([virtual.tools, virtual.prompts, virtual.resources]);
  }
}

const NO_RULES: RegistrySnapshot['policies'] = [];

function toChange(before: ObservedEndpoint, now: ObservedEndpoint): EndpointChange | undefined {
  const isSameEndpoint =
    now.selected === before.selected &&
    now.rules === before.rules &&
    now.servers.length === before.servers.length &&
    now.servers.every((server, index) => server === before.servers[index]);
  if (!isSameEndpoint) return 'endpoint';
  const isSameCaller = now.caller === before.caller || isDeepStrictEqual(now.caller, before.caller);
  return isSameCaller ? undefined : 'caller';
}

interface RestrictedView {
  readonly endpoint: Endpoint | undefined;
}

function buildEndpoints(
  snapshot: RegistrySnapshot,
  isUnrestricted: (guarded: GuardedEndpoint) => boolean,
  keepsNames: boolean,
): Map<string, Endpoint> {
  const enabled = snapshot.servers.filter((server) => server.enabled);
  const endpoints = new Map<string, Endpoint>();
  const add = (made: Omit<Endpoint, 'isUnrestricted'>) =>
    // An endpoint that requires a token is never unrestricted: a token can be limited to some servers.
    endpoints.set(made.id, { ...made, keepsNames, isUnrestricted: made.public && isUnrestricted(made) });
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

/** The named servers, followed by those selected by tag. */
function selectServers({ servers, tags = [] }: VirtualServerDefinition, enabled: readonly ServerDefinition[]) {
  const named = servers.flatMap((slug) => enabled.filter((server) => server.slug === slug));
  const tagged = enabled.filter((server) => server.tags?.some((tag) => tags.includes(tag)));
  return [...new Set([...named, ...tagged])];
}

type Selection = Pick<Endpoint, 'shows' | 'showsAll'>;

const EVERYTHING: Selection = { shows: () => true, showsAll: () => true };

/** Compares patterns with the names that clients see, and with every form of a URI. */
function toSelection({ tools, prompts, resources }: VirtualServerDefinition): Selection {
  const selectors: Record<ItemKind, Selector | undefined> = {
    tools: toNameSelector(tools),
    prompts: toNameSelector(prompts),
    resources: toUriSelector(resources),
  };
  return {
    shows: (use) => selectors[use.kind]?.(use) ?? true,
    showsAll: (kind) => selectors[kind] === undefined,
  };
}

type Selector = (use: ItemUse) => boolean;

function toNameSelector(patterns: readonly string[] | undefined): Selector | undefined {
  const matches = patterns && compileGlobs(patterns);
  return matches && (({ server, name, shownName = name }) => matches(addNamePrefix(server, shownName)));
}

function toUriSelector(patterns: readonly string[] | undefined): Selector | undefined {
  if (!patterns) return undefined;
  const { matchesText, matchesDecoded } = compilePublicUriPatterns(patterns);
  return ({ server, uri }) => {
    if (!uri) return false;
    const { canonical, normal, decoded } = uri;
    return (
      matchesText(addUriPrefix(server, canonical)) &&
      (normal === canonical || matchesText(addUriPrefix(server, normal))) &&
      matchesDecoded(addUriPrefix(server, decoded))
    );
  };
}
