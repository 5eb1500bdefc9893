import type { IncomingMessage, ServerResponse } from 'node:http';
import { actFor, MODERN_REVISION, type Incoming } from './handshake.js';
import { PostWire } from './post-wire.js';
import type { Endpoint, ServerState } from './server-state.js';
import { perform } from './wire.js';

/** Streamable HTTP without sessions. */
export class ModernEndpoint implements Endpoint {
  readonly path = '/mcp';

  constructor(private readonly state: ServerState) {}

  async post(message: Incoming, _request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (message.id === undefined) return void response.writeHead(202).end();
    const { counters, traps, replies, misbehave } = this.state;
    const home = { counters, traps, reply: (id: string) => replies.waitFor(id), forget: () => {} };
    await perform(actFor(message, MODERN_REVISION, misbehave), new PostWire(message.id, response, home));
  }

  get(_request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(405, { allow: 'POST' }).end();
  }

  delete(_request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(405, { allow: 'POST' }).end();
  }
}
