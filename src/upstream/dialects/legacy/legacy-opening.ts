import type { ClientProfile } from '#lib/mcp-protocol';
import type { ConnectionEvents } from '../../upstream-connection.js';
import type { CallSurroundings } from '../running-call.js';

/** Options of a new connection to a server, independent of its transport. */
export interface LegacyOpening {
  readonly client: ClientProfile;
  readonly surroundings: CallSurroundings;
  readonly events: ConnectionEvents;
  /** Called when an answer of the server is typical of another era. */
  readonly suspectEra: () => void;
}
