import type { IncomingMessage, ServerResponse } from 'node:http';

import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';

import type { ReferenceWorld } from '../features/index.js';
import { pathAndQuery, refuse, type Endpoint } from '../http-host.js';
import { LegacyServer } from './legacy-server.js';

export const SSE_PATH = '/sse';
const MESSAGES_PATH = '/messages';

/** HTTP+SSE of revision 2024-11-05: the stream, and the endpoint for messages that the stream names. */
export class SseEndpoint implements Endpoint {
  private readonly streams = new Map<string, SSEServerTransport>();

  constructor(
    private readonly world: ReferenceWorld,
    private readonly pageSize: number,
  ) {}

  get openSessions(): number {
    return this.streams.size;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { path, query } = pathAndQuery(request);
    if (path === SSE_PATH && request.method === 'GET') return this.open(response);
    if (path === SSE_PATH) return refuse(response, 405, 'Method not allowed', { Allow: 'GET' });
    if (path !== MESSAGES_PATH || request.method !== 'POST') return refuse(response, 404, 'Not found');
    const stream = this.streams.get(query.get('sessionId') ?? '');
    return stream ? stream.handlePostMessage(request, response) : refuse(response, 404, 'Session not found');
  }

  async forgetSessions(): Promise<void> {
    const streams = [...this.streams.values()];
    this.streams.clear();
    await Promise.all(streams.map((stream) => stream.close()));
  }

  close(): Promise<void> {
    return this.forgetSessions();
  }

  private async open(response: ServerResponse): Promise<void> {
    const stream = new SSEServerTransport(MESSAGES_PATH, response);
    this.streams.set(stream.sessionId, stream);
    response.on('close', () => this.streams.delete(stream.sessionId));
    const { server } = new LegacyServer(this.world, this.pageSize);
    await server.connect(stream);
  }
}
