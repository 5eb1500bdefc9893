import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MessageId, Step } from './behaviour.js';
import { actFor, LEGACY_REVISION, type Incoming } from './handshake.js';
import { lostSession, PostWire, type WireContext } from './post-wire.js';
import type { Endpoint, ServerState } from './server-state.js';
import { perform, play } from './wire.js';

interface Resumption {
  readonly id: MessageId;
  readonly scripts: (readonly Step[])[];
}

/** Streamable HTTP with sessions, POST, resumable streams and DELETE, without a server stream. */
export class LegacyEndpoint implements Endpoint {
  readonly path = '/mcp';
  private readonly sessions = new Set<string>();
  private readonly resumptions = new Map<string, Resumption>();

  constructor(private readonly state: ServerState) {}

  async post(message: Incoming, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (message.method === 'initialize') {
      const session = crypto.randomUUID();
      this.sessions.add(session);
      response.setHeader('mcp-session-id', session);
    } else if (!this.admit(request, response)) return;
    if (message.method === undefined) this.state.replies.resolve(message);
    if (message.method === undefined || message.id === undefined) return void response.writeHead(202).end();
    const wire = new PostWire(message.id, response, this.context(request));
    await perform(actFor(message, LEGACY_REVISION, this.state.misbehave), wire);
  }

  async get(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, key] = String(request.headers['last-event-id'] ?? '').split('@');
    const resumption = key === undefined ? undefined : this.resumptions.get(key);
    const steps = resumption?.scripts.shift();
    if (key === undefined || resumption === undefined || steps === undefined) return void response.writeHead(405).end();
    await play(steps, new PostWire(resumption.id, response, this.context(request)).resuming(key));
  }

  delete(request: IncomingMessage, response: ServerResponse): void {
    const known = this.sessions.delete(String(request.headers['mcp-session-id']));
    response.writeHead(known ? 200 : 404).end();
  }

  private admit(request: IncomingMessage, response: ServerResponse): boolean {
    const session = request.headers['mcp-session-id'];
    const known = typeof session === 'string' && this.sessions.has(session);
    const status = session === undefined ? 400 : 404;
    if (!known) response.writeHead(status, { 'content-type': 'application/json' }).end(lostSession());
    return known;
  }

  private context(request: IncomingMessage): WireContext {
    const { counters, traps, replies } = this.state;
    return {
      counters,
      traps,
      reply: (id) => replies.waitFor(id),
      forget: () => this.sessions.delete(String(request.headers['mcp-session-id'])),
      saveResumption: (id, resumed) => {
        const key = crypto.randomUUID();
        this.resumptions.set(key, { id, scripts: [...resumed] });
        return key;
      },
    };
  }
}
