import type { JsonObject } from '#lib/mcp-protocol';
import type { RawAnswer } from './raw-answer.js';

export type ClientTransport = 'legacy' | 'modern' | 'sse' | 'rpc';

/** A client without validation: it sends any message and records everything that it receives. */
export interface RawClient {
  readonly transport: ClientTransport;
  /** Performs the handshake where the transport has one and returns its answer. */
  connect(): Promise<RawAnswer | undefined>;
  /** Sends one request and waits for its answer. Rejects only when there is no response. */
  request(method: string, params?: JsonObject): Promise<RawAnswer>;
  /** Answers in excess of one for each request. */
  readonly surplus: readonly JsonObject[];
  close(): Promise<void>;
}
