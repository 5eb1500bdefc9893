export { Directory, type AnnounceReply, type WorkerPresence } from './directory.js';
export { Ledger, type ClaimVerdict, type RevokeVerdict, type Ticket } from './ledger.js';
export { RelayFailure, Wire, type Address, type Mailbox } from './wire.js';

import type { Directory } from './directory.js';
import type { Ledger } from './ledger.js';
import type { Wire } from './wire.js';

/** What workers share: the wire for frames, the ledger of decisions, the directory of workers. */
export interface Relay extends Wire, Ledger, Directory {}
