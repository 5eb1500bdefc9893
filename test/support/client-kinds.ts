import type { Era } from '#lib/mcp-protocol';
import type { ConnectOrder, SdkClient } from './sdk-client.js';
import { connectV1 } from './sdk-v1.js';
import { connectV2 } from './sdk-v2.js';

/** An official client in one of the ways it is used. */
export interface ClientKind {
  readonly name: string;
  /** Era that it ends up in at the gateway, which speaks both. */
  readonly era: Era;
  /** Last part of the URL that it is given. */
  readonly path: 'mcp' | 'sse';
  /** As its user sees it: the second generation makes one code of the two that there are. */
  readonly resourceNotFound: number;
  connect(order: ConnectOrder): Promise<SdkClient>;
}

const v1 = (name: string, path: 'mcp' | 'sse'): ClientKind => ({
  name,
  era: 'legacy',
  path,
  resourceNotFound: -32_002,
  connect: (order) => connectV1(path, order),
});

const v2 = (name: string, path: 'mcp' | 'sse', era: Era, mode: Parameters<typeof connectV2>[0]): ClientKind => ({
  name,
  era,
  path,
  resourceNotFound: -32_602,
  connect: (order) => connectV2(mode, path, order),
});

export const CLIENT_KINDS: readonly ClientKind[] = [
  v1('SDK v1', 'mcp'),
  v1('SDK v1 over HTTP+SSE', 'sse'),
  v2('SDK v2, legacy', 'mcp', 'legacy', 'legacy'),
  v2('SDK v2, legacy over HTTP+SSE', 'sse', 'legacy', 'legacy'),
  v2('SDK v2, auto', 'mcp', 'modern', 'auto'),
  v2('SDK v2, pinned', 'mcp', 'modern', { pin: '2026-07-28' }),
];
