import { BothErasEndpoint } from './both-eras.js';
import { ReferenceWorld, type CallCounters } from './features/index.js';
import { listen, type Endpoint } from './http-host.js';
import { SSE_PATH, SseEndpoint } from './legacy/http-sse.js';
import { SessionEndpoint, StatelessEndpoint } from './legacy/streamable-http.js';
import { ModernEndpoint } from './modern/modern-http.js';
import type { ListHints } from './modern/modern-server.js';

export interface ReferenceServerOptions {
  /** `both` serves each client in its own era at one URL, over streamable HTTP. */
  era: 'legacy' | 'modern' | 'both';
  /** `http` is streamable HTTP at /mcp; `sse` is HTTP+SSE at /sse, in the legacy era only. */
  transport: 'http' | 'sse';
  /** Legacy streamable HTTP without session ids. */
  stateless?: boolean;
  /** Default 0: a free port. */
  port?: number;
  /** Maximum number of entries per page of a list. Default: all entries on one page. */
  pageSize?: number;
  /** Cache hints of a modern server's lists. Default: one second, public. */
  lists?: ListHints;
}

/** Controls a running reference server. */
export interface ReferenceServer {
  readonly url: string;
  readonly calls: CallCounters;
  /** Shared state: changes lists and contents, releases the calls of `hold`. */
  readonly world: ReferenceWorld;
  readonly openSessions: number;
  /** Ends all sessions like a restart; their ids become unknown. */
  forgetSessions(): Promise<void>;
  close(): Promise<void>;
}

const MCP_PATH = '/mcp';

/** Starts a server that offers every feature of the protocol, on the official SDK of its era. */
export async function startReferenceServer(options: ReferenceServerOptions): Promise<ReferenceServer> {
  const world = new ReferenceWorld();
  const endpoint = endpointFor(options, world);
  const { origin, close } = await listen(endpoint, options.port ?? 0);
  return {
    url: origin + (options.transport === 'sse' ? SSE_PATH : MCP_PATH),
    calls: world.calls,
    world,
    get openSessions() {
      return endpoint.openSessions;
    },
    forgetSessions: () => endpoint.forgetSessions(),
    close,
  };
}

function endpointFor({ era, ...options }: ReferenceServerOptions, world: ReferenceWorld): Endpoint {
  if (era === 'legacy') return legacyEndpoint(options, world);
  if (options.transport === 'sse') throw new Error('HTTP+SSE does not exist in the modern era');
  const modern = new ModernEndpoint(world, pageSizeOf(options), options.lists);
  return era === 'modern' ? modern : new BothErasEndpoint(legacyEndpoint(options, world), modern);
}

function legacyEndpoint(options: Omit<ReferenceServerOptions, 'era'>, world: ReferenceWorld): Endpoint {
  const pageSize = pageSizeOf(options);
  if (options.transport === 'sse') return new SseEndpoint(world, pageSize);
  return options.stateless ? new StatelessEndpoint(world, pageSize) : new SessionEndpoint(world, pageSize);
}

const pageSizeOf = ({ pageSize = Number.POSITIVE_INFINITY }: Pick<ReferenceServerOptions, 'pageSize'>): number =>
  pageSize;
