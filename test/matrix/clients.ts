import type { Era } from '#lib/mcp-protocol';
import type { ConnectOptions, SdkClient } from '../support/sdk-client.js';
import { connectV1 } from '../support/sdk-v1.js';
import { connectV2, type V2Options } from '../support/sdk-v2.js';

/** An official client in one of its configurations. */
export interface ClientKind {
  readonly name: string;
  /** Transport and mode of the client, for the page. */
  readonly description: string;
  /** The revision that it negotiates with the gateway, which supports all of them. */
  readonly revision: string;
  readonly era: Era;
  /** Last segment of the URL that it connects to. */
  readonly path: 'mcp' | 'sse';
  /** The error code that its user sees: the second generation of the SDK maps both codes to one. */
  readonly resourceNotFound: number;
  connect(order: ConnectOptions): Promise<SdkClient>;
}

type Description = Pick<ClientKind, 'name' | 'description' | 'path'>;
type AboutV2 = Description & Pick<ClientKind, 'era' | 'revision'> & Pick<V2Options, 'mode' | 'revisions'>;

const v1 = (about: Description): ClientKind => ({
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
    description: 'HTTP+SSE only',
    path: 'sse',
    revision: '2024-11-05',
    era: 'legacy',
    mode: 'legacy',
    revisions: ['2024-11-05'],
  }),
  v2({
    name: 'SDK v2, auto',
    description: 'stateless streamable HTTP; detects the era of the server',
    path: 'mcp',
    revision: '2026-07-28',
    era: 'modern',
    mode: 'auto',
  }),
  v2({
    name: 'SDK v2, pinned',
    description: 'stateless streamable HTTP only',
    path: 'mcp',
    revision: '2026-07-28',
    era: 'modern',
    mode: { pin: '2026-07-28' },
  }),
];
