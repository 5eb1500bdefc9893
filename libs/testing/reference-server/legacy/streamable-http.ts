import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

import type { ReferenceWorld } from '../features/index.js';
import { refuse, type Endpoint } from '../http-host.js';
import { EventLog } from './event-log.js';
import { LegacyServer } from './legacy-server.js';

/** Delay before a client resumes a dropped stream. */
const RETRY_MS = 100;

/** Streamable HTTP with sessions, GET stream, DELETE and resumption (revisions 2025-03-26 to 2025-11-25). */
export class SessionEndpoint implements Endpoint {
  private readonly sessions = new Map<string, StreamableHTTPServerTransport>();

  constructor(
    private readonly world: ReferenceWorld,
    private readonly pageSize: number,
  ) {}

  get openSessions(): number {
    return this.sessions.size;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = request.headers['mcp-session-id'];
    if (typeof id === 'string') {
      const session = this.sessions.get(id);
      return session ? session.handleRequest(request, response) : refuse(response, 404, 'Session not found');
    }
    if (request.method !== 'POST') return refuse(response, 400, 'Mcp-Session-Id header is required');
    const transport = await this.open();
    await transport.handleRequest(request, response);
    // Only an initialize request opens a session; the transport has rejected any other request.
    if (transport.sessionId === undefined) await transport.close();
  }

  async forgetSessions(): Promise<void> {
    const sessions = [...this.sessions.values()];
    this.sessions.clear();
    await Promise.all(sessions.map((session) => session.close()));
  }

  close(): Promise<void> {
    return this.forgetSessions();
  }

  private async open(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      eventStore: new EventLog(),
      retryInterval: RETRY_MS,
      onsessioninitialized: (id) => void this.sessions.set(id, transport),
      onsessionclosed: (id) => void this.sessions.delete(id),
    });
    const { server } = new LegacyServer(this.world, this.pageSize);
    await server.connect(transport);
    return transport;
  }
}

/** Streamable HTTP without sessions: no GET stream and no DELETE. */
export class StatelessEndpoint implements Endpoint {
  readonly openSessions = 0;

  constructor(
    private readonly world: ReferenceWorld,
    private readonly pageSize: number,
  ) {}

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') return refuse(response, 405, 'Method not allowed', { Allow: 'POST' });
    const transport = new StreamableHTTPServerTransport();
    const { server } = new LegacyServer(this.world, this.pageSize);
    await server.connect(transport);
    response.on('close', () => void server.close());
    await transport.handleRequest(request, response);
  }

  async forgetSessions(): Promise<void> {}

  async close(): Promise<void> {}
}
