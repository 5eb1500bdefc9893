import type { KnownItem } from './item-record.js';

/** Estimated memory of an item beside its name. */
const ITEM_BYTES = 512;
const MAX_BYTES = 128 * 1024 * 1024;

type Identified = Pick<KnownItem, 'identity' | 'name'>;

/**
 * Bounds the memory of the items of all servers together. When it is used up, a server may still add items while it has less
 * than an equal share, so that no server takes the place of the others. All together use at most twice the maximum.
 */
export class ItemBudget {
  private bytes = 0;
  private readonly bytesByServer = new Map<string, number>();

  constructor(private readonly maxBytes = MAX_BYTES) {}

  /** Replaces what was counted by these items. */
  recount(lists: Iterable<ReadonlyMap<string, Identified>>): void {
    this.bytes = 0;
    this.bytesByServer.clear();
    for (const items of lists) for (const item of items.values()) this.add(item);
  }

  /** Counts a new item, or returns false when there is no room for it. `servers`: number of configured servers. */
  admit(item: Identified, servers: number): boolean {
    const size = sizeOf(item);
    const own = this.bytesByServer.get(item.identity) ?? 0;
    if (this.bytes + size > this.maxBytes && own + size > this.maxBytes / Math.max(1, servers)) return false;
    this.add(item);
    return true;
  }

  private add(item: Identified): void {
    const size = sizeOf(item);
    this.bytes += size;
    this.bytesByServer.set(item.identity, (this.bytesByServer.get(item.identity) ?? 0) + size);
  }
}

const sizeOf = ({ name }: Identified): number => ITEM_BYTES + name.length;
