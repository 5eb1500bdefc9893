import { Injectable } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import type { ListMethod } from '#lib/mcp-protocol';
import { EndpointDirectory, type Endpoint } from '../catalog/index.js';
import { ItemGate } from '../gate/index.js';
import { ID_MEMBERS, Items, type ItemKind } from '../items/index.js';
import type { ServerDefinition } from '../registry/index.js';
import { CallGates } from './call-gates.js';

/** An item as the list of a caller names it. */
export interface VisibleItem {
  readonly server: string;
  /** Own name, URI or URI template at the server. */
  readonly name: string;
  /** Name that an admin gave the item. */
  readonly shownName?: string;
  /** Name, URI or URI template in the list. */
  readonly publicName: string;
}

/** What a list contains, or why the endpoint refuses the caller. */
export interface VisibleList {
  readonly items: readonly VisibleItem[];
  readonly refusal?: string;
}

const METHODS: Readonly<Record<ItemKind, ListMethod>> = {
  tools: 'tools/list',
  prompts: 'prompts/list',
  resources: 'resources/list',
  resourceTemplates: 'resources/templates/list',
};

/** Finds the items that a list contains for one caller, by the code that publishes lists. No server receives a request. */
@Injectable()
export class VisibleItems {
  constructor(
    private readonly endpoints: EndpointDirectory,
    private readonly gates: CallGates,
    private readonly gate: ItemGate,
    private readonly items: Items,
  ) {}

  /** Returns undefined when there is no such endpoint. */
  find(caller: Caller, slug: string, kind: ItemKind): VisibleList | undefined {
    const whole = this.endpoints.find(slug);
    if (!whole) return undefined;
    const refusal = this.gates.refusalOf(caller, whole);
    if (refusal !== undefined) return { items: [], refusal };
    const endpoint = this.endpoints.findFor(caller, slug);
    if (!endpoint) return { items: [], refusal: 'The caller has no access to the endpoint.' };
    return { items: endpoint.servers.flatMap((server) => this.findAt(endpoint, server, kind)) };
  }

  private findAt(endpoint: Endpoint, server: ServerDefinition, kind: ItemKind): readonly VisibleItem[] {
    const member = ID_MEMBERS[kind];
    // Other members of an item stay as they are when it is published.
    const listed = this.items.listVisible(server, kind).map(({ name, shownName }) => ({
      [member]: shownName ?? name,
      known: { name, ...(shownName !== undefined && { shownName }) },
    }));
    return this.gate.publishNames(endpoint, server, METHODS[kind], listed).map((item) => ({
      server: server.slug,
      ...(item['known'] as Pick<VisibleItem, 'name' | 'shownName'>),
      publicName: item[member] as string,
    }));
  }
}
