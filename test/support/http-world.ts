import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { CallRecord } from '#lib/extension-kit';
import { loadConfig, LoadedConfig } from '#lib/config';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { GatewayModule } from '../../src/gateway.module.js';
import { TokenIssuer } from '../../src/auth/index.js';
import { GatewayConfig } from '../../src/gateway.config.js';
import { GATEWAY_SETTINGS } from '../../src/gateway-settings.js';
import { Readiness } from '../../src/lifecycle/index.js';
import type { RegistrySnapshot, ServerDefinition } from '../../src/registry/index.js';
import { RegistryComponents } from '../../src/registry/testing.js';
import { SessionPool } from '../../src/session-pool/index.js';
import { CallRecorder, CallTracer } from '../../src/telemetry/index.js';
import { NoTracer } from '../../src/telemetry/testing.js';
import { createHttpAdapter } from '../../src/transport/index.js';
import { StreamExpiry } from '../../src/transport/testing.js';
import { UpstreamConnector } from '../../src/upstream/index.js';
import { EventReader } from './event-reader.js';
import { FakeConnector, FakeRegistry } from './fake-upstream.js';
import { NO_HEALTH_CHECKS } from './no-health-checks.js';

export const LEGACY = '2025-11-25';
export const MODERN = '2026-07-28';
const BOTH = 'application/json, text/event-stream';

const POLL_INTERVAL_MS = 5;

/** A complete HTTP answer with a JSON body. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: JsonObject;
}

interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A complete gateway that listens, with fake servers. */
export class HttpWorld {
  /** The records of all requests, in the order in which they ended. */
  readonly records: CallRecord[] = [];

  private constructor(
    private readonly application: NestFastifyApplication,
    private readonly folder: string,
    private readonly token: string,
    readonly url: string,
    readonly connector: FakeConnector,
    readonly registry: FakeRegistry,
    /** The clock by which streams end when their tokens expire. */
    readonly expiryClock: ManualClock,
  ) {}

  static async open(
    servers: readonly ServerDefinition[],
    env: Readonly<Record<string, string>> = {},
    more: Partial<RegistrySnapshot> = {},
    tracer: CallTracer = new NoTracer(),
  ): Promise<HttpWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'isthmus-http-'));
    const [connector, registry] = [new FakeConnector(), new FakeRegistry(servers, more)];
    const loaded = new LoadedConfig(
      loadConfig(GATEWAY_SETTINGS, { ISTHMUS_DATA_DIR: folder, ...NO_HEALTH_CHECKS, ...env }),
    );
    const expiryClock = new ManualClock(Date.now());
    const assembly = await Test.createTestingModule({ imports: [await GatewayModule.fromConfig(loaded)] })
      .overrideProvider(UpstreamConnector)
      .useValue(connector)
      .overrideProvider(RegistryComponents)
      // The specs never change the configuration through the store.
      .useValue({ registry, store: {} })
      .overrideProvider(CallTracer)
      .useValue(tracer)
      .overrideProvider(StreamExpiry)
      .useValue(new StreamExpiry(expiryClock))
      .compile();
    const http = createHttpAdapter(loaded.get(GatewayConfig).publicPath);
    const application = assembly.createNestApplication<NestFastifyApplication>(http, { logger: false });
    await application.listen(0, '127.0.0.1');
    const { port } = application.getHttpServer().address() as AddressInfo;
    const token = await application.get(TokenIssuer).issue({ subject: 'me', expiresInSeconds: 600 });
    const url = `http://127.0.0.1:${port}`;
    const world = new HttpWorld(application, folder, token, url, connector, registry, expiryClock);
    application.get(CallRecorder).addSink({ record: (record) => void world.records.push(record) });
    return world;
  }

  get authorization(): { readonly authorization: string } {
    return { authorization: `Bearer ${this.token}` };
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  private get server(): Server {
    return this.application.getHttpServer();
  }

  request(verb: string, path: string, { headers, signal }: RequestOptions = {}, body?: JsonValue): Promise<Response> {
    return fetch(this.url + path, {
      method: verb,
      headers: { accept: BOTH, 'content-type': 'application/json', ...this.authorization, ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  }

  /** Posts a message and reads a JSON answer. */
  async post(path: string, message: JsonValue, options: RequestOptions = {}): Promise<HttpAnswer> {
    const response = await this.request('POST', path, options, message);
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      json: text === '' ? {} : (JSON.parse(text) as JsonObject),
    };
  }

  /** Sends a request and opens the event stream of its answer. */
  async stream(
    verb: 'GET' | 'POST',
    path: string,
    options: RequestOptions = {},
    message?: JsonValue,
  ): Promise<EventReader> {
    const response = await this.request(verb, path, options, message);
    return new EventReader(response);
  }

  /** Opens a session and returns its headers. */
  async session(path = '/mcp', revision = LEGACY): Promise<Record<string, string>> {
    const params = {
      protocolVersion: revision,
      capabilities: { elicitation: {}, roots: {} },
      clientInfo: { name: 'spec', version: '1' },
    };
    const { headers } = await this.post(path, { jsonrpc: '2.0', id: 0, method: 'initialize', params });
    return { 'mcp-session-id': headers.get('mcp-session-id') ?? 'none', 'mcp-protocol-version': revision };
  }

  /** Issues another token for the same subject. */
  issueToken(expiresInSeconds: number): Promise<string> {
    return this.application.get(TokenIssuer).issue({ subject: 'me', expiresInSeconds });
  }

  /** A provider of the gateway. */
  get<T>(type: Type<T>): T {
    return this.application.get(type, { strict: false });
  }

  /** Number of open sessions. */
  get sessions(): number {
    return this.application.get(SessionPool, { strict: false }).size;
  }

  /** Resolves once all connections are closed and the gateway has processed that. */
  async idle(): Promise<void> {
    const connections = () =>
      new Promise<number>((resolve) => this.server.getConnections((_, count) => resolve(count)));
    while ((await connections()) > 0) await pause(POLL_INTERVAL_MS);
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Polls a condition inside the gateway. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await pause(POLL_INTERVAL_MS);
  }

  /** Starts to reject new work. */
  startDraining(): void {
    this.application.get(Readiness).close();
  }

  /** Drains the gateway as on SIGTERM. Resolves when it has closed. */
  drain(): Promise<void> {
    this.startDraining();
    return this.application.close();
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await this.application.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Builds a modern request with its headers. */
export function modern(id: number, method: string, params: JsonObject = {}) {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': { name: 'spec', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const { name } = params;
  const headers = {
    'mcp-protocol-version': MODERN,
    'mcp-method': method,
    ...(typeof name === 'string' && { 'mcp-name': name }),
  };
  return { message: { jsonrpc: '2.0', id, method, params: { ...params, _meta } }, headers };
}
