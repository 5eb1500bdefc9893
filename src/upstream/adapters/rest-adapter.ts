import { ConnectsUpstream, type AdaptedServer } from '#lib/extension-kit';
import { RestServerEntry, type RestServer } from '../../registry/index.js';
import { RestConnection } from '../dialects/rest/index.js';
import type { UpstreamConnection } from '../upstream-connection.js';
import { UpstreamServices } from '../upstream-services.js';
import { HttpChannels } from './http-channels.js';
import { OwnAdapter, type OwnAttempt } from './own-adapter.js';

/** Presents plain HTTP endpoints as servers with tools. They are stateless, like modern servers. */
@ConnectsUpstream('rest', { entry: RestServerEntry })
export class RestAdapter extends OwnAdapter<RestServer> {
  private readonly channels: HttpChannels;

  constructor(services: UpstreamServices) {
    super(services);
    this.channels = new HttpChannels(services, this.deadlines);
  }

  override async connect(
    { entry }: AdaptedServer<RestServer>,
    { credentials }: OwnAttempt,
  ): Promise<UpstreamConnection> {
    const channels = this.channels.getForTools(entry, credentials);
    return new RestConnection(channels, entry, this.toContext(entry, credentials));
  }

  override evict(slug: string): void {
    this.channels.evict(slug);
  }

  override async shutdown(): Promise<void> {
    await this.channels.destroy();
    await super.shutdown();
  }
}
