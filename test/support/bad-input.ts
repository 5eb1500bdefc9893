import { expect } from '@jest/globals';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { startHostileServer, type HostileServer } from '#lib/testing/hostile-server';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { HttpCaller, LegacyRawClient, ModernRawClient, messagesIn } from '#lib/testing/raw-client';
import { startGateway, type TestGateway } from './gateway.js';

/** A request of which at least one thing is wrong. Without `authorization` a good token is sent. */
export interface BadRequest {
  readonly verb?: 'GET' | 'POST' | 'DELETE' | 'PUT' | 'PATCH' | 'OPTIONS' | 'HEAD';
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | JsonValue;
}

export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly messages: readonly JsonObject[];
}

/** Twice what is promised for a quiet machine. */
const LIMIT_MS = scaleDeadline(2_000);

export const LEGACY_HEADERS = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };

export const ping = (id: JsonValue = 1): JsonObject => ({ jsonrpc: '2.0', id, method: 'ping' });

export const INITIALIZE: JsonObject = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bad', version: '1' } },
};

/** A gateway before one good server of each era, and a caller who sends it nonsense. */
export class BadInputWorld {
  private readonly caller = new HttpCaller({ timeoutMs: LIMIT_MS });

  private constructor(
    readonly gateway: TestGateway,
    readonly token: string,
    readonly servers: { readonly old: HostileServer; readonly young: HostileServer },
  ) {}

  static async start(env: Readonly<Record<string, string>> = {}): Promise<BadInputWorld> {
    const old = await startHostileServer({ era: 'legacy', transport: 'http' });
    const young = await startHostileServer({ era: 'modern', transport: 'http' });
    const gateway = await startGateway({
      servers: { old: { transport: 'http', url: old.url }, young: { transport: 'http', url: young.url } },
      env,
    });
    return new BadInputWorld(gateway, await gateway.token({ subject: 'good@example.com' }), { old, young });
  }

  async send(request: BadRequest): Promise<Refusal> {
    const { verb = 'POST', path = '/mcp', body } = request;
    const headers = { authorization: `Bearer ${this.token}`, ...request.headers };
    const bytes =
      body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    const response = await this.caller.request(verb, this.gateway.url + path, headers, bytes as string | undefined);
    const text = await response.body.text();
    const type = response.headers['content-type'] as string | undefined;
    return { status: response.statusCode, headers: response.headers, body: text, messages: messagesIn(type, text) };
  }

  legacy(endpoint = ''): LegacyRawClient {
    return new LegacyRawClient(`${this.gateway.url}${endpoint}/mcp`, { token: this.token });
  }

  modern(endpoint = ''): ModernRawClient {
    return new ModernRawClient(`${this.gateway.url}${endpoint}/mcp`, { token: this.token });
  }

  async close(): Promise<void> {
    await this.caller.close();
    await this.gateway.close();
    await Promise.all([this.servers.old.close(), this.servers.young.close()]);
  }
}

/** What came before did no harm: a good call is served. */
export async function expectGoodService(world: BadInputWorld): Promise<void> {
  for (const client of [world.legacy('/servers/old'), world.modern('/servers/young')]) {
    await client.connect();
    const answer = await client.request('tools/call', { name: 'good', arguments: {} });
    expect(answer.answers[0]).toMatchObject({ id: answer.id, result: { content: [{ text: 'done' }] } });
    await client.close();
  }
  expect(({} as JsonObject)['polluted']).toBeUndefined();
}

/** Of the same characters and length, and wrong. */
export const backwards = (text: string): string => Array.from(text).toReversed().join('');

/** A refusal in JSON-RPC, with this status and one of these codes, that gives nothing away. */
export function expectRefusal(refusal: Refusal, status: number, ...codes: number[]): void {
  expect({ status: refusal.status, body: refusal.body.slice(0, 300) }).toMatchObject({ status });
  expect(refusal.messages).toHaveLength(1);
  const [message = {}] = refusal.messages;
  expect(message).toMatchObject({
    jsonrpc: '2.0',
    error: { code: expect.any(Number), message: expect.stringMatching(/\w/) },
  });
  const { error } = message;
  if (codes.length > 0) expect(codes).toContain(isJsonObject(error) ? error['code'] : undefined);
  expectNothingLeaks(refusal.body);
}

export function expectNothingLeaks(text: string): void {
  expect(text).not.toMatch(/\bat \S+ ?\(|\.[jt]s:\d+|node_modules|node:internal|\/work\/|\/dist\//);
}
