import type { ClientProfile } from '#lib/mcp-protocol';
import type { ConnectionEvents } from '../../upstream-connection.js';
import type { CallSurroundings } from '../running-call.js';

/** What is needed to open a connection to a legacy server, however it is reached. */
export interface LegacyOpening {
  readonly client: ClientProfile;
  readonly surroundings: CallSurroundings;
  readonly events: ConnectionEvents;
  /** The server answers like one of another era. */
  readonly suspectEra: () => void;
}
