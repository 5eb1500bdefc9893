import type { ClientProfile } from '#lib/mcp-protocol';
import type { ConnectionEvents } from '../../upstream-connection.js';
import type { CallContext } from '../in-flight-call.js';

/** What is needed to open a connection to a legacy server, however it is reached. */
export interface ConnectionOptions {
  readonly client: ClientProfile;
  readonly context: CallContext;
  readonly events: ConnectionEvents;
  /** The server answers like one of another era. */
  readonly suspectEra: () => void;
}
