import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Endpoint } from './http-host.js';

const MODERN_REVISION = '2026-07-28';

/** One URL at which every client is served in its own era, which its requests name. */
export class BothErasEndpoint implements Endpoint {
  constructor(
    private readonly legacy: Endpoint,
    private readonly modern: Endpoint,
  ) {}

  get openSessions(): number {
    return this.legacy.openSessions;
  }

  serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isModern = request.headers['mcp-protocol-version'] === MODERN_REVISION;
    return (isModern ? this.modern : this.legacy).serve(request, response);
  }

  forgetSessions(): Promise<void> {
    return this.legacy.forgetSessions();
  }

  async close(): Promise<void> {
    await this.legacy.close();
    await this.modern.close();
  }
}
