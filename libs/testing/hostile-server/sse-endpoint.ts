import type { IncomingMessage, ServerResponse } from 'node:http';
import { EVENT_STREAM } from './event-text.js';
import { EventWire } from './event-wire.js';
import { actFor, SSE_REVISION, type Incoming } from './handshake.js';
import { lostSession, type WireContext } from './post-wire.js';
import type { Endpoint, ServerState } from './server-state.js';
import { perform } from './wire.js';

/** HTTP+SSE: one stream for each session, messages posted separately. */
export class SseEndpoint implements Endpoint {
  readonly path = '/sse';
  private readonly streams = new Map<string, ServerResponse>();

  constructor(private readonly state: ServerState) {}

  get(_request: IncomingMessage, response: ServerResponse): void {
    const session = crypto.randomUUID();
    this.streams.set(session, response);
    response.once('close', () => this.streams.delete(session));
    response.writeHead(200, EVENT_STREAM).write(`event: endpoint\ndata: /messages?sessionId=${session}\n\n`);
  }

  async post(message: Incoming, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://hostile');
    if (pathname !== '/messages') return void response.writeHead(405, { allow: 'GET' }).end();
    const session = searchParams.get('sessionId') ?? '';
    const stream = this.streams.get(session);
    if (stream === undefined) return void response.writeHead(404).end(lostSession());
    if (message.method === undefined) this.state.replies.resolve(message);
    if (message.method === undefined || message.id === undefined) return void response.writeHead(202).end();
    const wire = new EventWire(message.id, response, stream, this.context(session));
    await perform(actFor(message, SSE_REVISION, this.state.misbehave), wire);
  }

  delete(_request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(405, { allow: 'GET' }).end();
  }

  private context(session: string): WireContext {
    const { counters, traps, replies } = this.state;
    return { counters, traps, reply: (id) => replies.waitFor(id), forget: () => this.streams.delete(session) };
  }
}
