import type { ListFlag } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { ListView } from '../subscriptions/index.js';

/** One look at a server's list. */
export interface Snapshot {
  /** When it began. */
  readonly sequence: number;
  /** The same text for all who see the same; undefined when that could not be found out. */
  readonly fingerprint: Promise<string | undefined>;
}

/** What a viewer sees of the lists of one kind. */
export interface VisibleScope {
  /** Those that it sees anything of. */
  readonly servers: readonly ServerDefinition[];
  /** It sees all that these list. */
  readonly isUnfiltered: boolean;
}

/** How a viewer looks. */
export interface ViewSource {
  scopeOf(list: ListFlag): VisibleScope;
  showsResource(uri: string): boolean;
  /** Undefined where looking would cost too much. */
  takeSnapshot(list: ListFlag, server: ServerDefinition): Snapshot | undefined;
  release(): void;
}

interface LastSnapshot {
  readonly sequence: number;
  readonly fingerprint: string | undefined;
}

/** What one viewer was shown last, to compare with what it would be shown now. */
export class ViewerSnapshot implements ListView {
  readonly ready: Promise<unknown>;
  private readonly lastSnapshots = new Map<string, LastSnapshot>();
  private isClosed = false;

  constructor(
    lists: readonly ListFlag[],
    private readonly source: ViewSource,
  ) {
    const looking = lists.flatMap((list) => {
      const { servers, isUnfiltered: isFull } = source.scopeOf(list);
      return isFull ? [] : servers.map((server) => this.detectChange(list, server));
    });
    this.ready = Promise.all(looking);
  }

  hasSnapshot(list: ListFlag, server: string): boolean {
    const { servers, isUnfiltered: isFull } = this.source.scopeOf(list);
    if (isFull || servers.every(({ slug }) => slug !== server)) return true;
    return this.lastSnapshots.get(keyOf(list, server))?.fingerprint !== undefined;
  }

  hasChanged(list: ListFlag, servers?: ReadonlySet<string>): boolean | Promise<boolean> {
    const sight = this.source.scopeOf(list);
    const concerned = sight.servers.filter(({ slug }) => !servers || servers.has(slug));
    if (sight.isUnfiltered) return !servers || concerned.length > 0;
    return Promise.all(concerned.map((server) => this.detectChange(list, server))).then((others) =>
      others.includes(true),
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
    const look = this.source.takeSnapshot(list, server);
    const print = await look?.fingerprint;
    const key = keyOf(list, server.slug);
    const before = this.lastSnapshots.get(key);
    const mark = look?.sequence ?? 0;
    // A look that took long may be older than what was seen meanwhile.
    if (!before || mark >= before.sequence) this.lastSnapshots.set(key, { sequence: mark, fingerprint: print });
    return print === undefined || print !== before?.fingerprint;
  }
}

const keyOf = (list: ListFlag, server: string): string => `${server} ${list}`;
