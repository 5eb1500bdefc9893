import type { IncomingMessage, ServerResponse } from 'node:http';

import { createMcpHandler, type McpHttpHandler } from '@modelcontextprotocol/server';

import type { ReferenceWorld, WorldChange } from '../features/index.js';
import type { Endpoint } from '../http-host.js';
import { ModernServer, newStateCodec, type ListHints } from './modern-server.js';
import { readBody, toWebRequest, writeWebResponse } from './web-bridge.js';

/** Streamable HTTP of revision 2026-07-28 only. */
export class ModernEndpoint implements Endpoint {
  readonly openSessions = 0;
  private readonly handler: McpHttpHandler;
  private readonly stopListening: () => void;

  constructor(world: ReferenceWorld, pageSize: number, lists?: ListHints) {
    const codec = newStateCodec();
    this.handler = createMcpHandler(() => new ModernServer(world, pageSize, codec, lists), { legacy: 'reject' });
    this.stopListening = world.onChange((change) => this.notify(change));
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const disconnected = new AbortController();
    response.on('close', () => disconnected.abort());
    const body = await readBody(request);
    const answer = await this.handler.fetch(toWebRequest(request, body, disconnected.signal));
    await writeWebResponse(answer, response);
  }

  async forgetSessions(): Promise<void> {}

  async close(): Promise<void> {
    this.stopListening();
    await this.handler.close();
  }

  private notify(change: WorldChange): void {
    const { notify } = this.handler;
    if (change.kind === 'tools') notify.toolsChanged();
    else if (change.kind === 'prompts') notify.promptsChanged();
    else if (change.kind === 'resources') notify.resourcesChanged();
    else notify.resourceUpdated(change.uri);
  }
}
