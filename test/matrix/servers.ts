import type { Era, JsonObject } from '#lib/mcp-protocol';
import { referenceCommand, startReferenceServer, type ReferenceServerOptions } from '#lib/testing/reference-server';

/** A server behind one of the transports. */
export interface ServerKind {
  readonly slug: string;
  /** Transport and revision of the server, for the page. */
  readonly description: string;
  readonly era: Era;
  /** The server keeps no state between requests, so it can send neither questions nor notifications. */
  readonly stateless?: true;
  /** The server sometimes closes the stream of a call early; a client that sends the last event id receives the rest. */
  readonly resumable?: true;
  start(): Promise<{ readonly definition: JsonObject; close(): Promise<void> }>;
}

/** Small enough that lists span several pages, so that the tests cover how the gateway joins pages. */
const PAGE_SIZE = 12;

type Description = Pick<ServerKind, 'slug' | 'description' | 'resumable'>;

function remote(about: Description, options: ReferenceServerOptions & { readonly era: Era }): ServerKind {
  const { era, transport, stateless = false } = options;
  return {
    ...about,
    era,
    ...(stateless && { stateless }),
    async start() {
      const server = await startReferenceServer({ ...options, pageSize: PAGE_SIZE });
      return { definition: { transport, url: server.url }, close: () => server.close() };
    },
  };
}

function child(about: Description, era: Era): ServerKind {
  const definition = { transport: 'stdio', ...referenceCommand(era, { pageSize: PAGE_SIZE }) };
  return { ...about, era, start: () => Promise.resolve({ definition, close: () => Promise.resolve() }) };
}

export const SERVERS: readonly ServerKind[] = [
  remote(
    { slug: 'legacy-http', description: 'streamable HTTP with sessions, 2025-11-25', resumable: true },
    { era: 'legacy', transport: 'http' },
  ),
  remote(
    { slug: 'legacy-stateless', description: 'streamable HTTP without sessions, 2025-11-25' },
    { era: 'legacy', transport: 'http', stateless: true },
  ),
  remote(
    { slug: 'legacy-sse', description: 'HTTP+SSE, the transport of 2024-11-05' },
    { era: 'legacy', transport: 'sse' },
  ),
  child({ slug: 'legacy-stdio', description: 'a child process that speaks 2025-11-25' }, 'legacy'),
  remote({ slug: 'modern-http', description: 'streamable HTTP, 2026-07-28' }, { era: 'modern', transport: 'http' }),
  child({ slug: 'modern-stdio', description: 'a child process that speaks 2026-07-28' }, 'modern'),
];
