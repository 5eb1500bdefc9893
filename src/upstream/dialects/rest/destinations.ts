import { PRODUCT } from '#lib/extension-kit';
import type { RestTool } from '../../../registry/index.js';
import type { HttpChannel } from '../../channels/http/index.js';

/** The channels of a REST server. */
export interface RestChannels {
  /** The channel to the URL of the server, with its headers. */
  readonly own: HttpChannel;
  /** Returns a channel to another origin, without the headers of the server. */
  toOrigin(origin: string): HttpChannel;
}

/** Where the requests of a tool go, and what each of them contains. */
export interface Destination {
  readonly channel: HttpChannel;
  /** URL to which the tool's path is appended. */
  readonly base: URL;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** Headers of the server by name in lower case. */
  readonly configured: ReadonlyMap<string, string>;
}

/** The destinations of the tools of one connection. Credentials of the server go to its own origin only. */
export class Destinations {
  private readonly own: Destination;
  private readonly others = new Map<RestTool, Destination>();
  private readonly releases: (() => void)[];

  constructor(channels: RestChannels, tools: readonly RestTool[]) {
    this.own = toDestination(channels.own, channels.own.url);
    const byOrigin = new Map([[channels.own.url.origin, channels.own]]);
    for (const tool of tools) {
      if (tool.url === undefined) continue;
      const base = new URL(tool.url);
      const channel = byOrigin.get(base.origin) ?? channels.toOrigin(base.origin);
      byOrigin.set(base.origin, channel);
      // The query of the server's URL may contain credentials.
      if (channel === channels.own) base.search = channel.url.search;
      this.others.set(tool, toDestination(channel, base));
    }
    this.releases = Array.from(byOrigin.values(), (channel) => channel.lease());
  }

  of(tool: RestTool): Destination {
    return tool.url === undefined ? this.own : (this.others.get(tool) ?? this.own);
  }

  release(): void {
    for (const release of this.releases) release();
  }
}

function toDestination(channel: HttpChannel, base: URL): Destination {
  const headers = requestHeaders(channel.headers);
  const configured = new Map(
    channel.headers.flatMap((name, index) =>
      index % 2 === 0 ? [[name, channel.headers[index + 1] ?? ''] as const] : [],
    ),
  );
  return { channel, base, headers, configured };
}

/** Some APIs reject requests without a user agent. A configured user agent takes precedence. */
function requestHeaders(own: readonly string[]): string[] {
  const isNamed = own.some((name, index) => index % 2 === 0 && name === 'user-agent');
  const agent = isNamed ? [] : ['user-agent', `${PRODUCT.name}/${PRODUCT.version}`];
  return [...own, ...agent, 'accept', 'application/json, */*;q=0.8'];
}
