import type { Era } from '#lib/mcp-protocol';
import type { ConnectOrder, SdkClient } from '../support/sdk-client.js';
import { connectV1 } from '../support/sdk-v1.js';
import { connectV2, type V2Order } from '../support/sdk-v2.js';

/** An official client in one of the ways it is used. */
export interface ClientKind {
  readonly name: string;
  /** What it is, for a reader of the page. */
  readonly description: string;
  /** Era that it ends up in at the gateway, which speaks both. */
  readonly era: Era;
  /** Last part of the URL that it is given. */
  readonly path: 'mcp' | 'sse';
  /** As its user sees it: the second generation makes one code of the two that there are. */
  readonly resourceNotFound: number;
  connect(order: ConnectOrder): Promise<SdkClient>;
}

type About = Pick<ClientKind, 'name' | 'description' | 'path'>;

const v1 = (about: About): ClientKind => ({
  ...about,
  era: 'legacy',
  resourceNotFound: -32_002,
  connect: (order) => connectV1(about.path, order),
});

const v2 = (about: About, era: Era, mode: V2Order['mode']): ClientKind => ({
  ...about,
  era,
  resourceNotFound: -32_602,
  connect: (order) => connectV2({ ...order, mode, path: about.path }),
});

export const CLIENTS: readonly ClientKind[] = [
  v1({ name: 'SDK v1', description: 'streamable HTTP with sessions, 2025-11-25', path: 'mcp' }),
  v1({ name: 'SDK v1 over HTTP+SSE', description: 'the transport of 2024-11-05', path: 'sse' }),
  v2(
    { name: 'SDK v2, legacy', description: 'streamable HTTP with sessions, 2025-11-25', path: 'mcp' },
    'legacy',
    'legacy',
  ),
  v2(
    { name: 'SDK v2, legacy over HTTP+SSE', description: 'the transport of 2024-11-05', path: 'sse' },
    'legacy',
    'legacy',
  ),
  v2(
    { name: 'SDK v2, auto', description: 'asks which era there is, and finds 2026-07-28', path: 'mcp' },
    'modern',
    'auto',
  ),
  v2({ name: 'SDK v2, pinned', description: 'speaks 2026-07-28 and nothing else', path: 'mcp' }, 'modern', {
    pin: '2026-07-28',
  }),
];
