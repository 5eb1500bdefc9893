import { Injectable, Logger } from '@nestjs/common';
import { GatewayError } from '#lib/extension-kit';
import { isJsonObject, type McpNotification } from '#lib/mcp-protocol';
import { ServerRegistry, type ServerDefinition } from '../registry/index.js';
import { UpstreamPool, type UpstreamFace } from '../session-pool/index.js';
import type { ChangeFilter } from '../upstream/index.js';
import { LastingFeed, type Attempt, type Feed } from './lasting-feed.js';
import { ServerRemoved } from './subscriptions.errors.js';

type OnChange = (notification: McpNotification) => void;

/** Opens change feeds and keeps them open when a connection ends by itself, or a server is configured anew. */
@Injectable()
export class ChangeFeeds {
  private readonly logger = new Logger(ChangeFeeds.name);

  constructor(
    private readonly upstreams: UpstreamPool,
    private readonly registry: ServerRegistry,
  ) {}

  /** Rejects with a GatewayError when the server cannot be reached or refuses. */
  async open(server: ServerDefinition, face: UpstreamFace, filter: ChangeFilter, onChange: OnChange): Promise<Feed> {
    const feed = this.feedOf(server, face, filter, onChange);
    await feed.start();
    return feed;
  }

  /** A feed that waits for a server that cannot be reached now. One that refuses is not asked again. */
  follow(server: ServerDefinition, face: UpstreamFace, filter: ChangeFilter, onChange: OnChange): Feed {
    const feed = this.feedOf(server, face, filter, onChange);
    feed.start().catch((cause: unknown) => {
      if (mayComeBack(cause)) feed.startLater(cause);
      else this.logger.debug(`${server.slug} tells nobody of changes: ${String(cause)}`);
    });
    return feed;
  }

  private feedOf(
    { slug }: ServerDefinition,
    face: UpstreamFace,
    filter: ChangeFilter,
    onChange: OnChange,
  ): LastingFeed {
    return new LastingFeed({
      attempt: () => this.attempt(slug, face, filter, onChange),
      onChange,
      onInterruption: (cause) => this.logger.warn(`The change feed of ${slug} is interrupted: ${String(cause)}`),
    });
  }

  private async attempt(slug: string, face: UpstreamFace, filter: ChangeFilter, onChange: OnChange): Promise<Attempt> {
    const server = this.registry.find(slug);
    if (!server) throw new ServerRemoved(slug);
    const held = await this.upstreams.hold(server, face);
    try {
      return { held, listening: await held.connection.listen(filter, onChange) };
    } catch (cause) {
      held.release();
      throw cause;
    }
  }
}

const mayComeBack = (cause: unknown): boolean =>
  cause instanceof GatewayError && isJsonObject(cause.data) && cause.data['retriable'] === true;
