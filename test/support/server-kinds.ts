import type { Era, JsonObject } from '#lib/mcp-protocol';
import { referenceCommand, startReferenceServer, type ReferenceServerOptions } from '#lib/testing/reference-server';

/** A server in one of the ways it is reached. */
export interface ServerKind {
  readonly slug: string;
  readonly era: Era;
  /** Keeps nothing between two requests: it can neither ask nor announce. */
  readonly stateless?: true;
  start(): Promise<{ readonly definition: JsonObject; close(): Promise<void> }>;
}

/** Lists do not fit on one page, so that each of them shows how pages are put together. */
const PAGE_SIZE = 12;

function remote(slug: string, options: ReferenceServerOptions): ServerKind {
  const { era, transport, stateless = false } = options;
  return {
    slug,
    era,
    ...(stateless && { stateless }),
    async start() {
      const server = await startReferenceServer({ ...options, pageSize: PAGE_SIZE });
      return { definition: { transport, url: server.url }, close: () => server.close() };
    },
  };
}

function child(slug: string, era: Era): ServerKind {
  const definition = { transport: 'stdio', ...referenceCommand(era, { pageSize: PAGE_SIZE }) };
  return { slug, era, start: () => Promise.resolve({ definition, close: () => Promise.resolve() }) };
}

export const SERVER_KINDS: readonly ServerKind[] = [
  remote('legacy-http', { era: 'legacy', transport: 'http' }),
  remote('legacy-stateless', { era: 'legacy', transport: 'http', stateless: true }),
  remote('legacy-sse', { era: 'legacy', transport: 'sse' }),
  child('legacy-stdio', 'legacy'),
  remote('modern-http', { era: 'modern', transport: 'http' }),
  child('modern-stdio', 'modern'),
];
