import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Counters } from './counters.js';
import type { Incoming, Misbehaviour } from './handshake.js';
import type { Replies } from './replies.js';
import type { Wire } from './wire.js';

/** State shared by the parts of one hostile server. */
export interface ServerState {
  readonly counters: Counters;
  readonly replies: Replies;
  readonly misbehave: Misbehaviour;
  readonly traps: Wire['traps'];
}

/** Handles the requests of one transport and era. */
export interface Endpoint {
  /** Path of the URL that clients connect to. */
  readonly path: string;
  post(message: Incoming, request: IncomingMessage, response: ServerResponse): Promise<void>;
  get(request: IncomingMessage, response: ServerResponse): void | Promise<void>;
  delete(request: IncomingMessage, response: ServerResponse): void;
}
