import { Injectable } from '@nestjs/common';
import { ServerRegistry, type RegistrySnapshot, type VirtualServerDefinition } from '../registry/index.js';
import type { Endpoint, ItemKind } from './endpoint.js';
import { glob } from './glob.js';

/** The endpoint that shows every server. */
export const DEFAULT_ENDPOINT = 'default';

/** Finds the endpoint behind a slug. Built once per configuration, so that a look-up is one map access. */
@Injectable()
export class EndpointDirectory {
  private endpoints = new Map<string, Endpoint>();
  private builtFrom: RegistrySnapshot | undefined;

  constructor(private readonly registry: ServerRegistry) {}

  /** The endpoint of a slug, the default one without a slug, nothing when there is none by that name. */
  find(slug: string = DEFAULT_ENDPOINT): Endpoint | undefined {
    const { snapshot } = this.registry;
    if (snapshot !== this.builtFrom) {
      this.endpoints = buildEndpoints(snapshot);
      this.builtFrom = snapshot;
    }
    return this.endpoints.get(slug);
  }

  /** Calls back when other servers stand behind an endpoint than before, others of the same name, or more or less is shown. */
  onChange(slug: string, listener: (now: Endpoint | undefined) => void): () => void {
    const known = () => ({ servers: this.find(slug)?.servers ?? [], selected: this.selectedBy(slug) });
    let before = known();
    return this.registry.onChange(() => {
      const now = known();
      const isSame =
        now.selected === before.selected &&
        now.servers.length === before.servers.length &&
        now.servers.every((server, index) => server === before.servers[index]);
      before = now;
      if (!isSame) listener(this.find(slug));
    });
  }

  private selectedBy(slug: string): string | undefined {
    const virtual = this.registry.snapshot.virtualServers.find((candidate) => candidate.slug === slug);
    return virtual && JSON.stringify([virtual.tools, virtual.prompts, virtual.resources]);
  }
}

function buildEndpoints(snapshot: RegistrySnapshot): Map<string, Endpoint> {
  const enabled = snapshot.servers.filter((server) => server.enabled);
  const endpoints = new Map<string, Endpoint>();
  endpoints.set(DEFAULT_ENDPOINT, {
    ...snapshot.defaultEndpoint,
    id: DEFAULT_ENDPOINT,
    transparent: false,
    servers: enabled,
    ...EVERYTHING,
  });
  for (const server of enabled) {
    const title = server.title === undefined ? {} : { title: server.title };
    endpoints.set(server.slug, {
      ...title,
      id: server.slug,
      transparent: true,
      public: server.public,
      servers: [server],
      ...EVERYTHING,
    });
  }
  for (const virtual of snapshot.virtualServers) {
    const chosen = virtual.servers.flatMap((slug) => enabled.filter((server) => server.slug === slug));
    const { slug: id, title, instructions } = virtual;
    endpoints.set(id, {
      id,
      ...(title === undefined ? {} : { title }),
      ...(instructions === undefined ? {} : { instructions }),
      transparent: false,
      public: virtual.public,
      servers: chosen,
      ...selectionOf(virtual),
    });
  }
  return endpoints;
}

type Selection = Pick<Endpoint, 'shows' | 'showsAll'>;

const EVERYTHING: Selection = { shows: () => true, showsAll: () => true };

function selectionOf(virtual: VirtualServerDefinition): Selection {
  const chosen: Record<ItemKind, Chosen | undefined> = {
    tools: chosenBy(virtual.tools),
    prompts: chosenBy(virtual.prompts),
    resources: chosenBy(virtual.resources),
  };
  return {
    shows: (kind, publicName) => chosen[kind]?.(publicName) ?? true,
    showsAll: (kind) => chosen[kind] === undefined,
  };
}

type Chosen = (publicName: string) => boolean;

function chosenBy(patterns: readonly string[] | undefined): Chosen | undefined {
  const globs = patterns?.map(glob);
  return globs && ((publicName) => globs.some((matches) => matches(publicName)));
}
