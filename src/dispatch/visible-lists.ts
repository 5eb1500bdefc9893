import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LIST_CHANGES, LIST_MEMBERS, type JsonValue, type ListFlag, type ListMethod } from '#lib/mcp-protocol';
import { EndpointDirectory, kindOf, publishPages, targetOfUri, type Endpoint } from '../catalog/index.js';
import { Items } from '../items/index.js';
import type { ServerDefinition } from '../registry/index.js';
import { ListViews, ListViewsSeat, type ListView, type Viewer } from '../subscriptions/index.js';
import { contextOf } from './authorization-context.js';
import { SILENT_SINK } from './call-delivery.js';
import { DispatchConfig } from './dispatch.config.js';
import type { Inbound } from './inbound.js';
import { Lists } from './lists.js';
import { collectPages } from './pages.js';
import { Patience } from './patience.js';
import { PersonalView, type Look, type Sight } from './personal-view.js';
import { ServerProfiles } from './server-profiles.js';

/** State shared by the viewers of one authorization context at one endpoint. */
interface SharedView {
  viewers: number;
  readonly looks: Map<string, EndpointLook>;
}

interface EndpointLook extends Look {
  readonly endpoint: Endpoint;
}

const NEVER = new AbortController().signal;
/** The scope of a viewer that cannot reach its endpoint. */
const NOTHING: Sight = { servers: [], isFull: false };

/**
 * Decides which list changes are visible to a caller where an endpoint shows only some items. The viewers of one
 * authorization context at one endpoint share snapshots, at most one for each change.
 */
@Injectable()
export class VisibleLists extends ListViews {
  private readonly shared = new Map<string, SharedView>();
  private readonly patience: Patience;
  /** Fingerprints of cached pages, which several contexts share. */
  private readonly prints = new WeakMap<readonly JsonValue[], WeakMap<Endpoint, string>>();

  constructor(
    seat: ListViewsSeat,
    private readonly endpoints: EndpointDirectory,
    private readonly lists: Lists,
    private readonly profiles: ServerProfiles,
    private readonly items: Items,
    config: DispatchConfig,
  ) {
    super();
    this.patience = new Patience(config.listPatienceMs);
    seat.take(this);
  }

  override open(viewer: Viewer, lists: readonly ListFlag[]): ListView {
    const key = JSON.stringify([contextOf(viewer.caller), viewer.client.capabilities, viewer.endpoint]);
    const view = this.shared.get(key) ?? { viewers: 0, looks: new Map() };
    view.viewers += 1;
    this.shared.set(key, view);
    return new PersonalView(lists, {
      sightOf: (list) => this.sightOf(viewer, list),
      showsResource: (uri) => this.showsResource(viewer, uri),
      look: (list, server) => this.lookTogether(view, viewer, list, server),
      leave: () => {
        view.viewers -= 1;
        if (view.viewers === 0) this.shared.delete(key);
      },
    });
  }

  /** The servers and items of an endpoint that the caller may see now. */
  private sightOf({ endpoint: id, caller }: Viewer, list: ListFlag): Sight {
    const endpoint = this.endpoints.findFor(caller, id);
    if (!endpoint) return NOTHING;
    return { servers: endpoint.servers, isFull: endpoint.showsAll(kindOf(LIST_CHANGES[list].lists[0])) };
  }

  private showsResource({ endpoint: id, caller }: Viewer, uri: string): boolean {
    const endpoint = this.endpoints.findFor(caller, id);
    const target = endpoint?.shows('resources', uri) ? targetOfUri(endpoint, uri) : undefined;
    return target !== undefined && this.items.ownNameOf(target.server, 'resources', target.own) !== undefined;
  }

  private lookTogether(view: SharedView, viewer: Viewer, list: ListFlag, server: ServerDefinition): Look | undefined {
    const endpoint = this.endpoints.findFor(viewer.caller, viewer.endpoint);
    if (!endpoint || !this.canLook(viewer, server)) return undefined;
    const key = `${server.slug} ${list}`;
    const known = view.looks.get(key);
    if (known?.endpoint === endpoint && !this.lists.isStale(server, list, known.mark)) return known;
    const mark = this.lists.begin();
    const print = this.printOf(viewer, endpoint, list, server);
    const look: EndpointLook = { endpoint, mark, print };
    view.looks.set(key, look);
    // A failed snapshot is not shared: the next viewer tries again.
    void print.then((seen) => seen === undefined && view.looks.get(key) === look && view.looks.delete(key));
    return look;
  }

  /** False where each snapshot would need its own connection: for anonymous callers of a legacy server that is not shared. */
  private canLook({ caller }: Viewer, server: ServerDefinition): boolean {
    return !caller.anonymous || server.shared || this.profiles.eraOf(server) === 'modern';
  }

  private async printOf(
    viewer: Viewer,
    endpoint: Endpoint,
    list: ListFlag,
    server: ServerDefinition,
  ): Promise<string | undefined> {
    const look = async () => {
      const prints: string[] = [];
      for (const method of LIST_CHANGES[list].lists) {
        const print = await this.printOfList(viewer, endpoint, method, server);
        if (print === undefined) return undefined;
        prints.push(print);
      }
      return prints.join(' ');
    };
    return this.patience.wait(
      server.slug,
      () => look().catch(() => undefined),
      (print) => print !== undefined,
    );
  }

  private async printOfList(
    { caller, client }: Viewer,
    endpoint: Endpoint,
    method: ListMethod,
    server: ServerDefinition,
  ): Promise<string | undefined> {
    const list = await collectPages(method, (request) => {
      const inbound: Inbound = { caller, client, endpoint, requestId: 0, request, repeatsItself: false };
      return this.lists.ask(inbound, { server, request, silent: true }, SILENT_SINK, NEVER);
    });
    if (!('items' in list)) return undefined;
    if (list.isNew) this.items.observe(server, LIST_MEMBERS[method], list.items);
    const pages = list.pages.map((each) => this.items.shown(server, LIST_MEMBERS[method], each));
    const [page] = pages;
    const known = pages.length === 1 && page ? this.prints.get(page)?.get(endpoint) : undefined;
    if (known !== undefined) return known;
    const items = publishPages(endpoint, server, method, pages);
    const print = createHash('sha256').update(JSON.stringify(items)).digest('base64');
    if (pages.length === 1 && page) {
      const prints = this.prints.get(page) ?? new WeakMap<Endpoint, string>();
      this.prints.set(page, prints.set(endpoint, print));
    }
    return print;
  }
}
