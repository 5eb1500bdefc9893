export { WorkerBus, type BusContext, type BusEnd, type BusExchange, type BusOrder, type BusService } from './bus.js';
export {
  Directory,
  Ledger,
  RelayFailure,
  SystemTimer,
  Timer,
  Wire,
  type Address,
  type Announced,
  type ClaimVerdict,
  type Mailbox,
  type Relay,
  type RevokeVerdict,
  type Ticket,
  type WorkerState,
} from './ports/index.js';
