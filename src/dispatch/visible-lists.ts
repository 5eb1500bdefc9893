import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LIST_CHANGES, type JsonValue, type ListFlag, type ListMethod } from '#lib/mcp-protocol';
import { EndpointDirectory, kindOf, publishPages, type Endpoint } from '../catalog/index.js';
import type { ServerDefinition } from '../registry/index.js';
import { ListViews, ListViewsSeat, type ListView, type Viewer } from '../subscriptions/index.js';
import { contextOf } from './authorization-context.js';
import { SILENT_SINK } from './call-delivery.js';
import { DispatchConfig } from './dispatch.config.js';
import { Lists } from './lists.js';
import { collectPages } from './pages.js';
import { Patience } from './patience.js';
import { PersonalView, type Look } from './personal-view.js';
import { ServerProfiles } from './server-profiles.js';

/** What those look at together who see the same. */
interface SharedView {
  viewers: number;
  readonly looks: Map<string, Look & { readonly endpoint: Endpoint }>;
}

const NEVER = new AbortController().signal;

/**
 * Knows what callers see of lists that are not shown to everybody in full. All viewers of one authorization context at
 * one endpoint look together, at most once after each change.
 */
@Injectable()
export class VisibleLists extends ListViews {
  private readonly shared = new Map<string, SharedView>();
  private readonly patience: Patience;
  /** Of pages that are remembered: many see the same. */
  private readonly prints = new WeakMap<readonly JsonValue[], WeakMap<Endpoint, string>>();

  constructor(
    seat: ListViewsSeat,
    private readonly endpoints: EndpointDirectory,
    private readonly lists: Lists,
    private readonly profiles: ServerProfiles,
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
      serversOf: (list) => this.serversOf(viewer, list),
      look: (list, server) => this.lookTogether(view, viewer, list, server),
      leave: () => {
        view.viewers -= 1;
        if (view.viewers === 0) this.shared.delete(key);
      },
    });
  }

  /**
   * The servers whose list is not shown to the viewer in full; undefined when every list of that kind is. Whatever decides
   * what a caller may see is asked here.
   */
  private serversOf({ endpoint: id }: Viewer, list: ListFlag): readonly ServerDefinition[] | undefined {
    const endpoint = this.endpoints.find(id);
    return !endpoint || endpoint.showsAll(kindOf(LIST_CHANGES[list].lists[0])) ? undefined : endpoint.servers;
  }

  private lookTogether(view: SharedView, viewer: Viewer, list: ListFlag, server: ServerDefinition): Look | undefined {
    const endpoint = this.endpoints.find(viewer.endpoint);
    if (!endpoint || !this.canLook(viewer, server)) return undefined;
    const key = `${server.slug} ${list}`;
    const known = view.looks.get(key);
    if (known?.endpoint === endpoint && !this.lists.isStale(server, list, known.mark)) return known;
    const mark = this.lists.begin();
    const print = this.printOf(viewer, endpoint, list, server);
    const look = { endpoint, mark, print };
    view.looks.set(key, look);
    // What could not be had is tried again by the next.
    void print.then((seen) => seen === undefined && view.looks.get(key) === look && view.looks.delete(key));
    return look;
  }

  /** Where nobody shares a connection, everybody's look would be one more connection. */
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
      const inbound = { caller, client, endpoint, requestId: 0, request, repeatsItself: false };
      return this.lists.ask(inbound, { server, request, silent: true }, SILENT_SINK, NEVER);
    });
    if (!('items' in list)) return undefined;
    const [page] = list.pages;
    const known = list.pages.length === 1 && page ? this.prints.get(page)?.get(endpoint) : undefined;
    if (known !== undefined) return known;
    const items = publishPages(endpoint, server, method, list.pages);
    const print = createHash('sha256').update(JSON.stringify(items)).digest('base64');
    if (list.pages.length === 1 && page) {
      const prints = this.prints.get(page) ?? new WeakMap<Endpoint, string>();
      this.prints.set(page, prints.set(endpoint, print));
    }
    return print;
  }
}
