import { truncateLabel } from '../workers/index.js';
import type { Session } from './session.js';

/** A session as administrators see it: without content, and without an id that grants access. */
export interface SessionView {
  /** Identifies the session at its worker and grants no access. Later sessions have higher numbers. */
  readonly serial: number;
  /** Key of the caller. */
  readonly caller: string;
  readonly endpoint: string;
  readonly revision: string;
  /** Name of the client program, as the client reports it. */
  readonly client?: string;
  readonly transport: 'http' | 'sse';
  /** Milliseconds since the Unix epoch. */
  readonly lastUsedAt: number;
  readonly callsInFlight: number;
  /** True if a client is attached to the server stream. */
  readonly isAttached: boolean;
}

export function toSessionView(session: Session): SessionView {
  const { serial, start, client, lastUsedAt, callsInFlight, serverStream } = session;
  const name = client.clientInfo?.['name'];
  return {
    serial,
    caller: start.caller.key,
    endpoint: start.endpoint,
    revision: client.revision,
    ...(typeof name === 'string' && { client: truncateLabel(name) }),
    transport: start.answersOnServerStream ? 'sse' : 'http',
    lastUsedAt,
    callsInFlight,
    isAttached: serverStream?.isAttached === true,
  };
}
