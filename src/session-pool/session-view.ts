import { truncateLabel } from '../workers/index.js';
import type { Session } from './session.js';

/** What is shown of a session to those who look after the gateway: no id that opens anything, no content. */
export interface SessionView {
  /** Names it at its worker; it opens nothing. Later ones have higher numbers. */
  readonly serial: number;
  /** Key of the caller. */
  readonly caller: string;
  readonly endpoint: string;
  readonly revision: string;
  /** Name of the client's program, as it says. */
  readonly client?: string;
  readonly transport: 'http' | 'sse';
  /** Milliseconds since the Unix epoch. */
  readonly lastUsedAt: number;
  readonly callsInFlight: number;
  /** A client listens to what belongs to no call. */
  readonly isAttached: boolean;
}

export function toSessionView(session: Session): SessionView {
  const { serial, start, client, lastUsedAt, callsInFlight, standingStream } = session;
  const name = client.clientInfo?.['name'];
  return {
    serial,
    caller: start.caller.key,
    endpoint: start.endpoint,
    revision: client.revision,
    ...(typeof name === 'string' && { client: truncateLabel(name) }),
    transport: start.answersOnStandingStream ? 'sse' : 'http',
    lastUsedAt,
    callsInFlight,
    isAttached: standingStream?.isAttached === true,
  };
}
