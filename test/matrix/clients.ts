import type { Era } from '#lib/mcp-protocol';
import type { ConnectOptions, SdkClient } from '../support/sdk-client.js';
import { connectV1 } from '../support/sdk-v1.js';
import { connectV2, type V2Options } from '../support/sdk-v2.js';

/** An official client in one of the ways it is used. */
export interface ClientKind {
  readonly name: string;
  /** What it is, for a reader of the page. */
  readonly description: string;
  /** What it ends up with at the gateway, which speaks all of them. */
  readonly revision: string;
  readonly era: Era;
  /** Last part of the URL that it is given. */
  readonly path: 'mcp' | 'sse';
  /** As its user sees it: the second generation makes one code of the two that there are. */
  readonly resourceNotFound: number;
  connect(order: ConnectOptions): Promise<SdkClient>;
}

type About = Pick<ClientKind, 'name' | 'description' | 'path'>;
type AboutV2 = About & Pick<ClientKind, 'era' | 'revision'> & Pick<V2Options, 'mode' | 'revisions'>;

const v1 = (about: About): ClientKind => ({
  ...about,
  revision: '2025-11-25',
  era: 'legacy',
  resourceNotFound: -32_002,
  connect: (order) => connectV1(about.path, order),
});

const v2 = ({ mode, revisions, ...about }: AboutV2): ClientKind => ({
  ...about,
  resourceNotFound: -32_602,
  connect: (order) => connectV2({ ...order, path: about.path, mode, ...(revisions && { revisions }) }),
});

export const CLIENTS: readonly ClientKind[] = [
  v1({ name: 'SDK v1', description: 'streamable HTTP with sessions', path: 'mcp' }),
  v1({
    name: 'SDK v1 over HTTP+SSE',
    description: 'HTTP+SSE, the transport of 2024-11-05',
    path: 'sse',
  }),
  v2({
    name: 'SDK v2, legacy',
    description: 'streamable HTTP with sessions',
    path: 'mcp',
    revision: '2025-11-25',
    era: 'legacy',
    mode: 'legacy',
  }),
  v2({
    name: 'SDK v2 of 2024-11-05',
    description: 'HTTP+SSE, and nothing newer',
    path: 'sse',
    revision: '2024-11-05',
    era: 'legacy',
    mode: 'legacy',
    revisions: ['2024-11-05'],
  }),
  v2({
    name: 'SDK v2, auto',
    description: 'stateless streamable HTTP; asks which era there is',
    path: 'mcp',
    revision: '2026-07-28',
    era: 'modern',
    mode: 'auto',
  }),
  v2({
    name: 'SDK v2, pinned',
    description: 'stateless streamable HTTP, and nothing older',
    path: 'mcp',
    revision: '2026-07-28',
    era: 'modern',
    mode: { pin: '2026-07-28' },
  }),
];
