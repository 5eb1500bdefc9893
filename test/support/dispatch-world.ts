import { randomBytes } from 'node:crypto';
import { Test } from '@nestjs/testing';
import { ConfigModule, LoadedConfig } from '#lib/config';
import type { Caller, UpstreamCredentials } from '#lib/extension-kit';
import type { ClientProfile, Headers, JsonObject, LogLevel, Outcome } from '#lib/mcp-protocol';
import { ClockModule } from '#lib/time';
import { AffinityModule, SessionRouter, type LocalSession, type SessionHandle } from '../../src/affinity/index.js';
import { DeferredInterception } from '../../src/calls/index.js';
import { CatalogModule, EndpointDirectory } from '../../src/catalog/index.js';
import { Database } from '../../src/database/index.js';
import { DataFolder } from '../../src/data-folder/index.js';
import { DispatchConfig, Dispatcher, DispatchModule, EndpointInfo, type Inbound } from '../../src/dispatch/index.js';
import type { RegistrySnapshot, ServerDefinition } from '../../src/registry/index.js';
import { RegistryComponents } from '../../src/registry/testing.js';
import { CredentialSource, EntryCredentials, UpstreamConnector } from '../../src/upstream/index.js';
import { callerOf, FakeConnector, FakeRegistry, LEGACY_CLIENT, MODERN_CLIENT } from './fake-upstream.js';
import { RecordingSink } from './recording-sink.js';
import { UnavailableDatabase } from './unavailable-database.js';

/** Options of a request. Default: a modern client at the default endpoint. */
export interface RequestOptions {
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

/** Everything between a client's request and the servers. The spec controls the servers. */
export class DispatchWorld {
  private constructor(
    readonly connector: FakeConnector,
    readonly registry: FakeRegistry,
    readonly dispatcher: Dispatcher,
    readonly endpointInfo: EndpointInfo,
    /** A spec may bind what wraps the execution of calls. */
    readonly interception: DeferredInterception,
    private readonly router: SessionRouter,
    private readonly endpoints: EndpointDirectory,
    readonly close: () => Promise<void>,
  ) {}

  static async open(
    servers: readonly ServerDefinition[],
    more: Partial<RegistrySnapshot> = {},
    settings: Partial<DispatchConfig> = {},
    others: readonly object[] = [],
    credentials: UpstreamCredentials = new EntryCredentials(),
  ): Promise<DispatchWorld> {
    const connector = new FakeConnector();
    const registry = new FakeRegistry(servers, more);
    const config = ConfigModule.forRoot(new LoadedConfig([Object.assign(new DispatchConfig(), settings), ...others]));
    const application = await Test.createTestingModule({
      imports: [config, ClockModule, DispatchModule, AffinityModule, CatalogModule],
    })
      .overrideProvider(UpstreamConnector)
      .useValue(connector)
      .overrideProvider(RegistryComponents)
      .useValue({ registry })
      .overrideProvider(CredentialSource)
      .useValue(new CredentialSource(credentials))
      .overrideProvider(Database)
      .useValue(new UnavailableDatabase())
      .overrideProvider(DataFolder)
      .useValue({ secrets: { session: randomBytes(32), credentials: [randomBytes(32)] } })
      .compile();
    return new DispatchWorld(
      connector,
      registry,
      application.get(Dispatcher),
      application.get(EndpointInfo),
      application.get(DeferredInterception),
      application.get(SessionRouter),
      application.get(EndpointDirectory),
      () => application.close(),
    );
  }

  /** Performs the handshake of a legacy client in a new session. */
  initialize(endpoint = 'default', client: ClientProfile = LEGACY_CLIENT, caller = callerOf('me')): Promise<Outcome> {
    const session = this.router.open({ caller, endpoint, client, transport: 'http' });
    return this.endpointInfo.initializeResult(
      { caller, client, endpoint: this.endpoint(endpoint, caller) },
      session,
      0,
    );
  }

  /** Opens a session of a legacy client. */
  session(endpoint = 'default', client: ClientProfile = LEGACY_CLIENT, subject = 'me'): LocalSession {
    return this.router.open({ caller: callerOf(subject), endpoint, client, transport: 'http' });
  }

  /** Locates a session for a request with another token of its principal. */
  async locate({ id }: SessionHandle, caller: Caller, endpoint = 'default'): Promise<SessionHandle> {
    return this.router.locate(id, { caller, endpoint, transport: 'http' });
  }

  /** The endpoint that the caller can see. */
  endpoint(slug?: string, caller = callerOf('me')) {
    const endpoint = this.endpoints.findFor(caller, slug);
    if (!endpoint) throw new Error(`no endpoint ${slug}`);
    return endpoint;
  }

  request(method: string, params: JsonObject = {}, options: RequestOptions = {}): Promise<Outcome> {
    const { session, mirrored, logLevel } = options;
    const client = options.client ?? session?.client ?? MODERN_CLIENT;
    const caller = options.caller ?? callerOf('me');
    const inbound: Inbound = {
      caller,
      endpoint: this.endpoint(options.endpoint, caller),
      client,
      requestId: 1,
      request: { method, params, ...(logLevel && { logLevel }) },
      clientRepeatsCall: !session,
      ...(session && { session }),
      ...(mirrored && { mirrored }),
    };
    return this.dispatcher.dispatch(inbound, options.sink ?? new RecordingSink(), options.signal ?? NEVER);
  }

  /** Method and params of the requests to a server, in order. */
  requestsTo(slug: string): [string, JsonObject][] {
    const connections = this.connector.opened.filter(({ server }) => server.slug === slug);
    return connections.flatMap(({ sent }) =>
      sent.map(({ request }) => [request.method, request.params] as [string, JsonObject]),
    );
  }
}
