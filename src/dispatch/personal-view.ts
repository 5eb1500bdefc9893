import type { ListFlag } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { ListView } from '../subscriptions/index.js';

/** What a viewer sees of one list of a server, as a fingerprint. */
export interface Look {
  /** The cache sequence number at which the snapshot was started. */
  readonly mark: number;
  /** Equal for equal visible items; undefined when the list could not be fetched. */
  readonly print: Promise<string | undefined>;
}

/** The servers of which a viewer sees lists of one kind. */
export interface Sight {
  /** Servers with at least one item that could be visible. */
  readonly servers: readonly ServerDefinition[];
  /** True when the viewer sees every item that these servers list. */
  readonly isFull: boolean;
}

/** Reads the current state of what a viewer sees. */
export interface Eyes {
  sightOf(list: ListFlag): Sight;
  showsResource(uri: string): boolean;
  /** Returns undefined where a snapshot would need a connection of its own. */
  look(list: ListFlag, server: ServerDefinition): Look | undefined;
  leave(): void;
}

interface Seen {
  readonly mark: number;
  readonly print: string | undefined;
}

/** The last fingerprints that one viewer saw, to decide whether a change at a server is visible to it. */
export class PersonalView implements ListView {
  readonly ready: Promise<unknown>;
  private readonly seen = new Map<string, Seen>();
  private isClosed = false;

  constructor(
    lists: readonly ListFlag[],
    private readonly eyes: Eyes,
  ) {
    const initial = lists.flatMap((list) => {
      const { servers, isFull } = eyes.sightOf(list);
      return isFull ? [] : servers.map((server) => this.isOther(list, server));
    });
    this.ready = Promise.all(initial);
  }

  knows(list: ListFlag, server: string): boolean {
    const { servers, isFull } = this.eyes.sightOf(list);
    if (isFull || servers.every(({ slug }) => slug !== server)) return true;
    return this.seen.get(keyOf(list, server))?.print !== undefined;
  }

  hasChanged(list: ListFlag, servers?: ReadonlySet<string>): boolean | Promise<boolean> {
    const sight = this.eyes.sightOf(list);
    const concerned = sight.servers.filter(({ slug }) => !servers || servers.has(slug));
    if (sight.isFull) return !servers || concerned.length > 0;
    return Promise.all(concerned.map((server) => this.isOther(list, server))).then((changes) => changes.includes(true));
  }

  showsResource(uri: string): boolean {
    return this.eyes.showsResource(uri);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.eyes.leave();
  }

  private async isOther(list: ListFlag, server: ServerDefinition): Promise<boolean> {
    const look = this.eyes.look(list, server);
    const print = await look?.print;
    const key = keyOf(list, server.slug);
    const before = this.seen.get(key);
    const mark = look?.mark ?? 0;
    // Snapshots can finish out of order: an older one must not replace a newer fingerprint.
    if (!before || mark >= before.mark) this.seen.set(key, { mark, print });
    return print === undefined || print !== before?.print;
  }
}

const keyOf = (list: ListFlag, server: string): string => `${server} ${list}`;
