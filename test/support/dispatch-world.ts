import { randomBytes } from 'node:crypto';
import { Test } from '@nestjs/testing';
import { ConfigModule, LoadedConfig } from '#lib/config';
import type { Caller } from '#lib/extension-kit';
import type { ClientProfile, Headers, JsonObject, LogLevel, Outcome } from '#lib/mcp-protocol';
import { AffinityModule, SessionRouter, type SessionHandle } from '../../src/affinity/index.js';
import { CatalogModule, EndpointDirectory } from '../../src/catalog/index.js';
import { Database } from '../../src/database/index.js';
import { DataFolder } from '../../src/data-folder/index.js';
import { DispatchConfig, Dispatcher, DispatchModule, EndpointInfo, type Inbound } from '../../src/dispatch/index.js';
import type { RegistrySnapshot, ServerDefinition } from '../../src/registry/index.js';
import { RegistryComponents } from '../../src/registry/testing.js';
import { UpstreamConnector } from '../../src/upstream/index.js';
import { callerOf, FakeConnector, FakeRegistry, LEGACY_CLIENT, MODERN_CLIENT } from './fake-upstream.js';
import { RecordingSink } from './recording-sink.js';

/** How a request is made; without more, by a modern client at the default endpoint. */
export interface Asking {
  readonly endpoint?: string;
  readonly caller?: Caller;
  readonly client?: ClientProfile;
  readonly session?: SessionHandle;
  readonly sink?: RecordingSink;
  readonly signal?: AbortSignal;
  readonly mirrored?: Headers;
  readonly logLevel?: LogLevel;
}

const NEVER = new AbortController().signal;

/** Everything between a client's request and the servers, over servers that a spec plays itself. */
export class DispatchWorld {
  private constructor(
    readonly connector: FakeConnector,
    readonly registry: FakeRegistry,
    readonly dispatcher: Dispatcher,
    readonly welcome: EndpointInfo,
    private readonly router: SessionRouter,
    private readonly endpoints: EndpointDirectory,
    readonly close: () => Promise<void>,
  ) {}

  static async open(
    servers: readonly ServerDefinition[],
    more: Partial<RegistrySnapshot> = {},
    settings: Partial<DispatchConfig> = {},
    others: readonly object[] = [],
  ): Promise<DispatchWorld> {
    const connector = new FakeConnector();
    const registry = new FakeRegistry(servers, more);
    const config = ConfigModule.forRoot(new LoadedConfig([Object.assign(new DispatchConfig(), settings), ...others]));
    const application = await Test.createTestingModule({
      imports: [config, DispatchModule, AffinityModule, CatalogModule],
    })
      .overrideProvider(UpstreamConnector)
      .useValue(connector)
      .overrideProvider(RegistryComponents)
      .useValue({ registry })
      .overrideProvider(Database)
      .useValue({})
      .overrideProvider(DataFolder)
      .useValue({ secrets: { session: randomBytes(32) } })
      .compile();
    return new DispatchWorld(
      connector,
      registry,
      application.get(Dispatcher),
      application.get(EndpointInfo),
      application.get(SessionRouter),
      application.get(EndpointDirectory),
      () => application.close(),
    );
  }

  /** A legacy client's session. */
  session(endpoint = 'default', client: ClientProfile = LEGACY_CLIENT, subject = 'me'): SessionHandle {
    return this.router.open({ caller: callerOf(subject), endpoint, client, transport: 'http' });
  }

  /** As the caller sees it. */
  endpoint(slug?: string, caller = callerOf('me')) {
    const endpoint = this.endpoints.findFor(caller, slug);
    if (!endpoint) throw new Error(`no endpoint ${slug}`);
    return endpoint;
  }

  request(method: string, params: JsonObject = {}, asking: Asking = {}): Promise<Outcome> {
    const { session, mirrored, logLevel } = asking;
    const client = asking.client ?? session?.client ?? MODERN_CLIENT;
    const caller = asking.caller ?? callerOf('me');
    const inbound: Inbound = {
      caller,
      endpoint: this.endpoint(asking.endpoint, caller),
      client,
      requestId: 1,
      request: { method, params, ...(logLevel && { logLevel }) },
      clientRepeatsCall: !session,
      ...(session && { session }),
      ...(mirrored && { mirrored }),
    };
    return this.dispatcher.dispatch(inbound, asking.sink ?? new RecordingSink(), asking.signal ?? NEVER);
  }

  /** What the server was asked, in order: method and params. */
  asked(slug: string): [string, JsonObject][] {
    const connections = this.connector.opened.filter(({ server }) => server.slug === slug);
    return connections.flatMap(({ sent }) =>
      sent.map(({ request }) => [request.method, request.params] as [string, JsonObject]),
    );
  }
}
