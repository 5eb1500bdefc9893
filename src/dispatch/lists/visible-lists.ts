import { createHash } from 'node:crypto';
import { capabilitiesKeyOf } from '../../connections/index.js';
import { Injectable } from '@nestjs/common';
import { LIST_CHANGES, LIST_MEMBERS, type JsonValue, type ListFlag, type ListMethod } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { EndpointDirectory, toItemKind, type Endpoint } from '../../catalog/index.js';
import { isolationOf } from '../../connections/index.js';
import { ItemGate } from '../../gate/index.js';
import { Items } from '../../items/index.js';
import type { ServerDefinition } from '../../registry/index.js';
import { ListViews, type ListView, type Viewer } from '../../subscriptions/index.js';
import { toAuthorizationContext } from './authorization-context.js';
import { SILENT_SINK } from '../call-delivery.js';
import { DispatchConfig } from '../dispatch.config.js';
import type { Inbound } from '../inbound.js';
import { ListFetcher } from './list-fetcher.js';
import { collectPages } from './pages.js';
import { AdaptiveTimeout } from '../adaptive-timeout.js';
import { ViewerSnapshot, type Snapshot, type VisibleScope } from './viewer-snapshot.js';
import { ServerProfiles } from '../server-profiles.js';

/** State shared by the viewers of one authorization context at one endpoint. */
interface SharedView {
  readonly context: string;
  readonly key: string;
  viewers: number;
  readonly snapshots: Map<string, EndpointSnapshot>;
}

interface EndpointSnapshot extends Snapshot {
  readonly endpoint: Endpoint;
}

const NEVER_ABORTED = new AbortController().signal;
/** The scope of a viewer that cannot reach its endpoint. */
const EMPTY_SCOPE: VisibleScope = { servers: [], isUnfiltered: false };

/**
 * Decides which list changes are visible to a caller where an endpoint shows only some items. The viewers of one
 * authorization context at one endpoint share snapshots, at most one for each change.
 */
@Injectable()
export class VisibleLists extends ListViews {
  private readonly sharedViews = new Map<string, SharedView>();
  private readonly adaptiveTimeout: AdaptiveTimeout;
  /** Fingerprints of cached pages, which several contexts share. */
  private readonly fingerprints = new WeakMap<readonly JsonValue[], WeakMap<Endpoint, string>>();

  constructor(
    private readonly endpoints: EndpointDirectory,
    private readonly listFetcher: ListFetcher,
    private readonly profiles: ServerProfiles,
    private readonly items: Items,
    private readonly gate: ItemGate,
    config: DispatchConfig,
    clock: Clock,
  ) {
    super();
    this.adaptiveTimeout = new AdaptiveTimeout(config.listTimeoutMs, clock);
  }

  override open(viewer: Viewer, lists: readonly ListFlag[]): ListView {
    let view = this.join(viewer);
    let isReleased = false;
    return new ViewerSnapshot(lists, {
      scopeOf: (list) => this.scopeOf(viewer, list),
      showsResource: (uri) => this.showsResource(viewer, uri),
      takeSnapshot: (list, server) => {
        if (!isReleased && view.context !== toAuthorizationContext(viewer.caller)) {
          this.leave(view);
          view = this.join(viewer);
        }
        return this.takeSharedSnapshot(view, viewer, list, server);
      },
      release: () => {
        isReleased = true;
        this.leave(view);
      },
    });
  }

  private join({ caller, client, endpoint }: Viewer): SharedView {
    const context = toAuthorizationContext(caller);
    const key = JSON.stringify([context, capabilitiesKeyOf(client), endpoint]);
    const view = this.sharedViews.get(key) ?? { context, key, viewers: 0, snapshots: new Map() };
    view.viewers += 1;
    this.sharedViews.set(key, view);
    return view;
  }

  private leave(view: SharedView): void {
    view.viewers -= 1;
    if (view.viewers === 0) this.sharedViews.delete(view.key);
  }

  /** The servers and items of an endpoint that the caller may see now. */
  private scopeOf({ endpoint: id, caller }: Viewer, list: ListFlag): VisibleScope {
    const endpoint = this.endpoints.findFor(caller, id);
    if (!endpoint) return EMPTY_SCOPE;
    return { servers: endpoint.servers, isUnfiltered: endpoint.showsAll(toItemKind(LIST_CHANGES[list].lists[0])) };
  }

  private showsResource({ endpoint: id, caller }: Viewer, uri: string): boolean {
    const endpoint = this.endpoints.findFor(caller, id);
    return endpoint !== undefined && this.gate.showsResource(endpoint, uri);
  }

  private takeSharedSnapshot(
    view: SharedView,
    viewer: Viewer,
    list: ListFlag,
    server: ServerDefinition,
  ): Snapshot | undefined {
    const endpoint = this.endpoints.findFor(viewer.caller, viewer.endpoint);
    if (!endpoint || !this.canTakeSnapshot(viewer, server)) return undefined;
    const key = `${server.slug} ${list}`;
    const known = view.snapshots.get(key);
    if (known?.endpoint === endpoint && !this.listFetcher.isStale(server, list, known.sequence)) return known;
    const sequence = this.listFetcher.nextSequence();
    const fingerprint = this.fingerprintOf(viewer, endpoint, list, server);
    const snapshot: EndpointSnapshot = { endpoint, sequence, fingerprint };
    view.snapshots.set(key, snapshot);
    // A failed snapshot is not shared: the next viewer tries again.
    void fingerprint.then(
      (seen) => seen === undefined && view.snapshots.get(key) === snapshot && view.snapshots.delete(key),
    );
    return snapshot;
  }

  /** False where each snapshot would need its own connection, because a snapshot belongs to no session. */
  private canTakeSnapshot({ caller }: Viewer, server: ServerDefinition): boolean {
    const isolation = isolationOf(server, this.profiles.eraOf(server) ?? 'legacy');
    return isolation === 'none' || (isolation === 'principal' && !caller.anonymous);
  }

  private async fingerprintOf(
    viewer: Viewer,
    endpoint: Endpoint,
    list: ListFlag,
    server: ServerDefinition,
  ): Promise<string | undefined> {
    const readFingerprints = async () => {
      const fingerprints: string[] = [];
      for (const method of LIST_CHANGES[list].lists) {
        const fingerprint = await this.fingerprintOfList(viewer, endpoint, method, server);
        if (fingerprint === undefined) return undefined;
        fingerprints.push(fingerprint);
      }
      return fingerprints.join(' ');
    };
    return this.adaptiveTimeout.run(
      server,
      () => readFingerprints().catch(() => undefined),
      (fingerprint) => fingerprint !== undefined,
    );
  }

  private async fingerprintOfList(
    { caller, client }: Viewer,
    endpoint: Endpoint,
    method: ListMethod,
    server: ServerDefinition,
  ): Promise<string | undefined> {
    const list = await collectPages({ server: server.slug, method }, (request) => {
      const inbound: Inbound = { caller, client, endpoint, requestId: 0, request, clientRepeatsCall: false };
      return this.listFetcher.fetchPage(inbound, { server, request, silent: true }, SILENT_SINK, NEVER_ABORTED);
    });
    if (!('items' in list)) return undefined;
    if (list.isNew) this.items.observe(server, LIST_MEMBERS[method], list.items);
    const pages = list.pages.map((each) => this.items.toVisibleItems(server, LIST_MEMBERS[method], each));
    const [page] = pages;
    const known = pages.length === 1 && page ? this.fingerprints.get(page)?.get(endpoint) : undefined;
    if (known !== undefined) return known;
    const items = this.gate.publish(endpoint, server, method, pages);
    const fingerprint = createHash('sha256').update(JSON.stringify(items)).digest('base64');
    if (pages.length === 1 && page) {
      const fingerprints = this.fingerprints.get(page) ?? new WeakMap<Endpoint, string>();
      this.fingerprints.set(page, fingerprints.set(endpoint, fingerprint));
    }
    return fingerprint;
  }
}
