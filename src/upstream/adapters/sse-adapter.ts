import { ConnectsUpstream, type AdaptedServer } from '#lib/extension-kit';
import type { Era } from '#lib/mcp-protocol';
import { RemoteServerEntry, type RemoteServer } from '../../registry/index.js';
import { openOverSse } from '../dialects/legacy/index.js';
import type { UpstreamConnection } from '../upstream-connection.js';
import { UpstreamServices } from '../upstream-services.js';
import { HttpChannels } from './http-channels.js';
import { OwnAdapter, type OwnAttempt } from './own-adapter.js';

/** Connects servers over HTTP+SSE, the older of the two legacy transports. */
@ConnectsUpstream('sse', { entry: RemoteServerEntry })
export class SseAdapter extends OwnAdapter<RemoteServer> {
  private readonly channels: HttpChannels;

  constructor(services: UpstreamServices) {
    super(services);
    this.channels = new HttpChannels(services, this.deadlines);
  }

  override resolveEra(): Era {
    return 'legacy';
  }

  override connect({ entry }: AdaptedServer<RemoteServer>, attempt: OwnAttempt): Promise<UpstreamConnection> {
    return openOverSse(
      this.channels.get(entry, attempt.credentials),
      this.toConnectionOptions(entry, attempt),
      attempt.signal,
    );
  }

  override evict(slug: string): void {
    this.channels.evict(slug);
  }

  override async shutdown(): Promise<void> {
    await this.channels.destroy();
    await super.shutdown();
  }
}
