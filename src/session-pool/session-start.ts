import type { Caller } from '#lib/extension-kit';
import type { ClientProfile } from '#lib/mcp-protocol';

/** Properties of a session that are fixed at its creation. */
export interface SessionStart {
  readonly id: string;
  /** Caller of the request that opened the session. */
  readonly caller: Caller;
  /** Endpoint that the session is bound to. */
  readonly endpoint: string;
  readonly client: ClientProfile;
  /** True for HTTP+SSE: the server stream carries every answer. */
  readonly answersOnServerStream: boolean;
}
