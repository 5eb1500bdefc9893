export { Directory, type Announced, type WorkerState } from './directory.js';
export { Ledger, type ClaimVerdict, type RevokeVerdict, type Ticket } from './ledger.js';
export { RelayFailure, Wire, type Address, type Mailbox } from './wire.js';

import type { Directory } from './directory.js';
import type { Ledger } from './ledger.js';
import type { Wire } from './wire.js';

/** All that workers share: what carries frames, what decides, what knows who lives. */
export interface Relay extends Wire, Ledger, Directory {}
