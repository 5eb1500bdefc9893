import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Counters } from './counters.js';
import type { Incoming, Misbehaviour } from './handshake.js';
import type { Replies } from './replies.js';
import type { Wire } from './wire.js';

/** What the parts of one hostile server share. */
export interface ServerState {
  readonly counters: Counters;
  readonly replies: Replies;
  readonly misbehave: Misbehaviour;
  readonly traps: Wire['traps'];
}

/** How requests are taken in one transport of one era. */
export interface Endpoint {
  /** Path that clients are told. */
  readonly path: string;
  post(message: Incoming, request: IncomingMessage, response: ServerResponse): Promise<void>;
  get(request: IncomingMessage, response: ServerResponse): void | Promise<void>;
  delete(request: IncomingMessage, response: ServerResponse): void;
}
