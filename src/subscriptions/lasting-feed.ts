import type { McpNotification } from '#lib/mcp-protocol';
import type { HeldConnection } from '../session-pool/index.js';
import { missedBy, type ChangeFilter, type Listening } from '../upstream/index.js';

/** A subscription at one server that lasts until it is closed, over as many connections as that takes. */
export interface Feed {
  /** What the server honoured when the feed was opened last. */
  readonly honoured: ChangeFilter;
  /** Idempotent. */
  close(): void;
}

/** A connection that listens. */
export interface Attempt {
  readonly held: HeldConnection;
  readonly listening: Listening;
}

/** How a feed listens, and whom it tells. */
export interface FeedOrder {
  /** Rejects with a GatewayError when the server cannot be reached or refuses. */
  readonly attempt: () => Promise<Attempt>;
  readonly onChange: (notification: McpNotification) => void;
  /** Called once for each time that the feed stands still. */
  readonly onInterruption: (cause: unknown) => void;
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

/** Starts once, and again after each interruption, with growing pauses. */
export class LastingFeed implements Feed {
  honoured: ChangeFilter = {};
  private current: Attempt | undefined;
  private retry: NodeJS.Timeout | undefined;
  private retryMs = FIRST_RETRY_MS;
  private isInterrupted = false;
  private isClosed = false;

  constructor(private readonly order: FeedOrder) {}

  /** Rejects when the server cannot be reached or refuses; the feed is then none. */
  start(): Promise<void> {
    return this.listen();
  }

  /** Starts whenever that becomes possible. */
  startLater(cause: unknown): void {
    this.interrupted(cause);
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.retry);
    this.letGo();
  }

  private async listen(): Promise<void> {
    const attempt = await this.order.attempt();
    if (this.isClosed) return end(attempt);
    this.current = attempt;
    this.honoured = attempt.listening.honoured;
    this.retryMs = FIRST_RETRY_MS;
    const wasInterrupted = this.isInterrupted;
    this.isInterrupted = false;
    attempt.held.onClosed(() => this.interrupted('connection closed'));
    // Whatever changed meanwhile went unheard.
    if (wasInterrupted) for (const change of missedBy(this.honoured)) this.order.onChange(change);
  }

  private interrupted(cause: unknown): void {
    if (this.isClosed) return;
    if (!this.isInterrupted) this.order.onInterruption(cause);
    this.isInterrupted = true;
    this.letGo();
    // Feeds that were interrupted together do not all come back at the same moment.
    const pauseMs = this.retryMs * (0.5 + Math.random() / 2);
    this.retry = setTimeout(() => this.listenAgain(), pauseMs).unref();
    this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
  }

  private listenAgain(): void {
    this.listen().catch((cause: unknown) => this.interrupted(cause));
  }

  private letGo(): void {
    if (this.current) end(this.current);
    this.current = undefined;
  }
}

function end({ held, listening }: Attempt): void {
  void listening
    .close()
    .catch(() => undefined)
    .finally(() => held.release());
}
