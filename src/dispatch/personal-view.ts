import type { ListFlag } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { ListView } from '../subscriptions/index.js';

/** One look at a server's list. */
export interface Look {
  /** When it began. */
  readonly mark: number;
  /** The same text for all who see the same; undefined when that could not be found out. */
  readonly print: Promise<string | undefined>;
}

/** What a viewer sees of the lists of one kind. */
export interface Sight {
  /** Those that it sees anything of. */
  readonly servers: readonly ServerDefinition[];
  /** It sees all that these list. */
  readonly isFull: boolean;
}

/** How a viewer looks. */
export interface Eyes {
  sightOf(list: ListFlag): Sight;
  showsResource(uri: string): boolean;
  /** Undefined where looking would cost too much. */
  look(list: ListFlag, server: ServerDefinition): Look | undefined;
  leave(): void;
}

interface Seen {
  readonly mark: number;
  readonly print: string | undefined;
}

/** What one viewer was shown last, to compare with what it would be shown now. */
export class PersonalView implements ListView {
  readonly ready: Promise<unknown>;
  private readonly seen = new Map<string, Seen>();
  private isClosed = false;

  constructor(
    lists: readonly ListFlag[],
    private readonly eyes: Eyes,
  ) {
    const looking = lists.flatMap((list) => {
      const { servers, isFull } = eyes.sightOf(list);
      return isFull ? [] : servers.map((server) => this.isOther(list, server));
    });
    this.ready = Promise.all(looking);
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
    return Promise.all(concerned.map((server) => this.isOther(list, server))).then((others) => others.includes(true));
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
    // A look that took long may be older than what was seen meanwhile.
    if (!before || mark >= before.mark) this.seen.set(key, { mark, print });
    return print === undefined || print !== before?.print;
  }
}

const keyOf = (list: ListFlag, server: string): string => `${server} ${list}`;
