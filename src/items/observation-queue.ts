import type { JsonValue } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { ItemKind } from './item-record.js';

/** Items are processed in batches of this size, so that calls are served in between. */
const BATCH_SIZE = 100;
/** Maximum number of items that are not processed yet. Beyond it a page is left to the next request for its list. */
const MAX_UNPROCESSED = 200_000;

/** A page of a list. */
export interface ListedItems {
  readonly server: ServerDefinition;
  readonly kind: ItemKind;
  readonly items: readonly JsonValue[];
}

/** Pages of lists that are processed later, in batches between the calls. */
export class ObservationQueue {
  private pages: ListedItems[] = [];
  /** Number of the items of all pages. */
  private size = 0;

  constructor(private readonly process: (batch: ListedItems) => void) {}

  add(page: ListedItems): void {
    if (this.size + page.items.length > MAX_UNPROCESSED) return;
    if (this.pages.length === 0) setImmediate(() => this.processNext());
    this.pages.push(page);
    this.size += page.items.length;
  }

  clear(): void {
    this.pages = [];
    this.size = 0;
  }

  private processNext(): void {
    const [next] = this.pages;
    if (!next) return;
    const batch = { ...next, items: next.items.slice(0, BATCH_SIZE) };
    if (next.items.length > BATCH_SIZE) this.pages[0] = { ...next, items: next.items.slice(BATCH_SIZE) };
    else this.pages.shift();
    this.size -= batch.items.length;
    this.process(batch);
    if (this.pages.length > 0) setImmediate(() => this.processNext());
  }
}
