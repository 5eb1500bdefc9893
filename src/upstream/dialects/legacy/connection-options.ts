import type { ClientProfile } from '#lib/mcp-protocol';
import type { ServerCredentials } from '../../credentials/index.js';
import type { ConnectionEvents } from '../../upstream-connection.js';
import type { ConnectDeadline } from '../connect-deadline.js';
import type { CallContext } from '../in-flight-call.js';

/** Options of a new connection to a server, independent of its transport. */
export interface ConnectionOptions {
  readonly client: ClientProfile;
  readonly context: CallContext;
  readonly events: ConnectionEvents;
  /** The time until which the connection must be open. Its steps share it. */
  readonly deadline: ConnectDeadline;
  /** Identifies the clients that will share the connection. */
  readonly owner: string;
  /** What authenticates the gateway beside the entry of the server. */
  readonly credentials?: ServerCredentials | undefined;
  /** True if the stream for messages that belong to no request is opened with the connection. */
  readonly opensServerStream: boolean;
  /** Called when an answer of the server is typical of another era. */
  readonly suspectEra: () => void;
}
