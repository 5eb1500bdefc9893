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

/** How a viewer looks. */
export interface Eyes {
  /** The servers whose list the viewer does not see in full; undefined when it sees all that there is. */
  serversOf(list: ListFlag): readonly ServerDefinition[] | undefined;
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
    const looking = lists.flatMap((list) => (eyes.serversOf(list) ?? []).map((server) => this.isOther(list, server)));
    this.ready = Promise.all(looking);
  }

  knows(list: ListFlag, server: string): boolean {
    return !this.eyes.serversOf(list) || this.seen.get(keyOf(list, server))?.print !== undefined;
  }

  hasChanged(list: ListFlag, servers?: ReadonlySet<string>): boolean | Promise<boolean> {
    const filtered = this.eyes.serversOf(list);
    if (!filtered) return true;
    const concerned = filtered.filter(({ slug }) => !servers || servers.has(slug));
    return Promise.all(concerned.map((server) => this.isOther(list, server))).then((others) => others.includes(true));
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
