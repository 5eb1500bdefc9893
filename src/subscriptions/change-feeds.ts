import { Injectable, Logger } from '@nestjs/common';
import type { McpNotification } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import { UpstreamPool, type HeldConnection, type UpstreamFace } from '../session-pool/index.js';
import type { ChangeFilter, Listening } from '../upstream/index.js';

/** A subscription at one server that lasts until it is closed, over as many connections as that takes. */
export interface Feed {
  /** What the server honoured when the feed was opened. */
  readonly honoured: ChangeFilter;
  close(): void;
}

type OnChange = (notification: McpNotification) => void;

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

/** Opens change feeds and keeps them open when a connection ends by itself. */
@Injectable()
export class ChangeFeeds {
  private readonly logger = new Logger(ChangeFeeds.name);

  constructor(private readonly upstreams: UpstreamPool) {}

  /** Rejects with a GatewayError when the server cannot be reached or refuses. */
  async open(server: ServerDefinition, face: UpstreamFace, filter: ChangeFilter, onChange: OnChange): Promise<Feed> {
    const feed = new LastingFeed(() => this.attempt(server, face, filter, onChange), (cause) =>
      this.logger.warn(`Change feed of ${server.slug} is interrupted: ${String(cause)}`),
    );
    await feed.start();
    return feed;
  }

  private async attempt(server: ServerDefinition, face: UpstreamFace, filter: ChangeFilter, onChange: OnChange) {
    const held = await this.upstreams.hold(server, face);
    try {
      return { held, listening: await held.connection.listen(filter, onChange) };
    } catch (cause) {
      held.release();
      throw cause;
    }
  }
}

interface Attempt {
  readonly held: HeldConnection;
  readonly listening: Listening;
}

class LastingFeed implements Feed {
  honoured: ChangeFilter = {};
  private current: Attempt | undefined;
  private retry: NodeJS.Timeout | undefined;
  private retryMs = FIRST_RETRY_MS;
  private isClosed = false;

  constructor(
    private readonly attempt: () => Promise<Attempt>,
    private readonly onInterruption: (cause: unknown) => void,
  ) {}

  async start(): Promise<void> {
    const attempt = await this.attempt();
    if (this.isClosed) return end(attempt);
    this.current = attempt;
    this.honoured = attempt.listening.honoured;
    this.retryMs = FIRST_RETRY_MS;
    attempt.held.onClosed(() => this.restartLater('connection closed'));
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.retry);
    if (this.current) end(this.current);
    this.current = undefined;
  }

  private restartLater(cause: unknown): void {
    if (this.isClosed) return;
    this.onInterruption(cause);
    this.current?.held.release();
    this.current = undefined;
    this.retry = setTimeout(() => void this.start().catch((failed: unknown) => this.restartLater(failed)), this.retryMs);
    this.retry.unref();
    this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
  }
}

function end({ held, listening }: Attempt): void {
  void listening.close().catch(() => undefined).finally(() => held.release());
}
