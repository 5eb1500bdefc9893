import type { JsonObject } from '#lib/mcp-protocol';
import type { RawAnswer } from './raw-answer.js';

export type ClientTransport = 'legacy' | 'modern' | 'sse' | 'rpc';

/** A client without opinions: it sends what it is told and keeps all that comes back. */
export interface RawClient {
  readonly transport: ClientTransport;
  /** Shakes hands where the transport has a handshake; its answer, good or bad. */
  connect(): Promise<RawAnswer | undefined>;
  /** Sends one request and waits for its answer. Rejects only when nothing comes at all. */
  request(method: string, params?: JsonObject): Promise<RawAnswer>;
  /** Answers that came on top of the one that each request was due. */
  readonly surplus: readonly JsonObject[];
  close(): Promise<void>;
}
