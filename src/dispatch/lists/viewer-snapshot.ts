import type { ListFlag } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../../registry/index.js';
import type { ListView } from '../../subscriptions/index.js';

/** What a viewer sees of one list of a server, as a fingerprint. */
export interface Snapshot {
  /** The cache sequence number at which the snapshot was started. */
  readonly sequence: number;
  /** Equal for equal visible items; undefined when the list could not be fetched. */
  readonly fingerprint: Promise<string | undefined>;
}

/** The servers of which a viewer sees lists of one kind. */
export interface VisibleScope {
  /** Servers with at least one item that could be visible. */
  readonly servers: readonly ServerDefinition[];
  /** True when the viewer sees every item that these servers list. */
  readonly isUnfiltered: boolean;
}

/** Reads the current state of what a viewer sees. */
export interface ViewSource {
  scopeOf(list: ListFlag): VisibleScope;
  showsResource(uri: string): boolean;
  /** Returns undefined where a snapshot would need a connection of its own. */
  takeSnapshot(list: ListFlag, server: ServerDefinition): Snapshot | undefined;
  release(): void;
}

interface LastSnapshot {
  readonly sequence: number;
  readonly fingerprint: string | undefined;
}

/** The last fingerprints that one viewer saw, to decide whether a change at a server is visible to it. */
export class ViewerSnapshot implements ListView {
  readonly ready: Promise<unknown>;
  private readonly lastSnapshots = new Map<string, LastSnapshot>();
  private isClosed = false;

  constructor(
    lists: readonly ListFlag[],
    private readonly source: ViewSource,
  ) {
    const initial = lists.flatMap((list) => {
      const { servers, isUnfiltered: isFull } = source.scopeOf(list);
      return isFull ? [] : servers.map((server) => this.detectChange(list, server));
    });
    this.ready = Promise.all(initial);
  }

  hasSnapshot(list: ListFlag, server: string): boolean {
    const { servers, isUnfiltered: isFull } = this.source.scopeOf(list);
    if (isFull || servers.every(({ slug }) => slug !== server)) return true;
    return this.lastSnapshots.get(keyOf(list, server))?.fingerprint !== undefined;
  }

  hasChanged(list: ListFlag, servers?: ReadonlySet<string>): boolean | Promise<boolean> {
    const scope = this.source.scopeOf(list);
    const concerned = scope.servers.filter(({ slug }) => !servers || servers.has(slug));
    if (scope.isUnfiltered) return !servers || concerned.length > 0;
    return Promise.all(concerned.map((server) => this.detectChange(list, server))).then((changes) =>
      changes.includes(true),
    );
  }

  isResourceVisible(uri: string): boolean {
    return this.source.showsResource(uri);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.source.release();
  }

  private async detectChange(list: ListFlag, server: ServerDefinition): Promise<boolean> {
    const snapshot = this.source.takeSnapshot(list, server);
    const fingerprint = await snapshot?.fingerprint;
    const key = keyOf(list, server.slug);
    const before = this.lastSnapshots.get(key);
    const sequence = snapshot?.sequence ?? 0;
    // Snapshots can finish out of order: an older one must not replace a newer fingerprint.
    if (!before || sequence >= before.sequence) this.lastSnapshots.set(key, { sequence, fingerprint });
    return fingerprint === undefined || fingerprint !== before?.fingerprint;
  }
}

const keyOf = (list: ListFlag, server: string): string => `${server} ${list}`;
