export {
  CARRIERS,
  arrivalsOf,
  expectationOf,
  type Behaviour,
  type Carrier,
  type Expectation,
  type ExpectedError,
  type ExpectedResult,
} from './behaviour.js';
export { BEHAVIOURS, behaviourNamed, behavioursOf } from './behaviours.js';
export type { Arrival, Counters } from './counters.js';
export type { Misbehaviour } from './handshake.js';
export { startHostileServer, type HostileServer, type HostileServerOptions } from './hostile-server.js';
export { hostileCommand, stdioRuns, type HostileCommand } from './stdio-server.js';
