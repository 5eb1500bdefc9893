import type { RemoteServer, RestServer } from '../../registry/index.js';
import type { Deadlines } from '../channels/deadlines.js';
import { HttpChannel, HttpPools } from '../channels/http/index.js';
import type { ServerCredentials } from '../credentials/index.js';
import type { RestChannels } from '../dialects/rest/index.js';
import type { UpstreamServices } from '../upstream-services.js';

interface CachedChannel {
  readonly definition: RemoteServer | RestServer;
  readonly channel: HttpChannel;
}

/** The HTTP channels to the servers of one adapter. */
export class HttpChannels {
  private readonly channels = new Map<string, CachedChannel>();
  /** Includes those that are retired and still in use. */
  private readonly allPools = new Set<HttpPools>();

  constructor(
    private readonly services: UpstreamServices,
    private readonly deadlines: Deadlines,
  ) {}

  /** The channel to a server with these credentials. All channels to a server share its TCP connections. */
  get(server: RemoteServer | RestServer, credentials: ServerCredentials | undefined): HttpChannel {
    const channel = this.getShared(server);
    if (credentials === undefined) return channel;
    const report = (detail: string) => this.services.details.record(credentials.applyTo(server), detail);
    return new HttpChannel(server, channel.pools, report, credentials);
  }

  /** Tools may have URLs of their own. Their origins get neither the headers nor the query of the server. */
  getForTools(server: RestServer, credentials: ServerCredentials | undefined): RestChannels {
    return {
      own: this.get(server, credentials),
      toOrigin: (url) => this.getShared({ ...server, url, headers: {} }, `${server.slug} ${url}`),
    };
  }

  evict(slug: string): void {
    for (const [key, { channel }] of this.channels) {
      if (key !== slug && !key.startsWith(`${slug} `)) continue;
      this.channels.delete(key);
      channel.pools.retire();
    }
  }

  async destroy(): Promise<void> {
    this.channels.clear();
    await Promise.all(Array.from(this.allPools, (pools) => pools.destroy()));
  }

  private getShared(server: RemoteServer | RestServer, key = server.slug): HttpChannel {
    const cached = this.channels.get(key);
    if (cached !== undefined && isSameDestination(cached.definition, server)) return cached.channel;
    if (cached !== undefined) this.evict(server.slug);
    const pools = this.createPools(server);
    const channel = new HttpChannel(server, pools, (detail) => this.services.details.record(server, detail));
    this.channels.set(key, { definition: server, channel });
    this.allPools.add(pools);
    void pools.closed.then(() => this.allPools.delete(pools));
    return channel;
  }

  private createPools(server: RemoteServer | RestServer): HttpPools {
    const { config, guard } = this.services;
    const { connections, calls, maxMessageBytes } = config;
    const limits = {
      maxConnections: connections,
      maxCalls: calls,
      maxBodyBytes: maxMessageBytes,
      maxEventBytes: maxMessageBytes,
    };
    return new HttpPools(server, limits, this.deadlines, guard);
  }
}

/** A reloaded definition is a new object, although its destination may be unchanged. */
function isSameDestination(one: CachedChannel['definition'], other: CachedChannel['definition']): boolean {
  if (one === other) return true;
  const toKey = ({ url, transport, headers, timeouts, guarded }: CachedChannel['definition']) =>
    JSON.stringify([url, transport, headers, timeouts.connectMs, guarded === true]);
  return toKey(one) === toKey(other);
}
