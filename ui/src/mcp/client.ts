import type { JsonObject } from '../values/index.js';
import type { Listener } from './messages.js';

export type Era = 'legacy' | 'modern';

export interface RequestOptions {
  readonly listener: Listener;
  /** Aborting cancels the request. */
  readonly signal: AbortSignal;
  /** Headers that the tool asks for (specification 2026-07-28: Custom Headers from Tool Parameters). */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A connection of this page to one MCP endpoint, in one era of the protocol. */
export interface McpClient {
  readonly era: Era;
  /** Resolves with the result, after all questions of the server. @throws McpError */
  request(method: string, params: JsonObject, options: RequestOptions): Promise<JsonObject>;
  /** Ends what the server keeps for this client. */
  close(): void;
}

export const CLIENT_INFO = { name: 'isthmus-admin-page', title: 'Isthmus admin page', version: '1.0.0' } as const;

export const CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} } as const;
