/** Fake upstream servers. The spec decides every answer and notification. */
import type { Caller } from '#lib/extension-kit';
import {
  toFaultOutcome,
  result,
  type ClientProfile,
  type Era,
  type JsonObject,
  type McpNotification,
  type Answer,
  type Outcome,
  type Question,
} from '#lib/mcp-protocol';
import {
  ServerRegistry,
  type RegistrySnapshot,
  type RemoteServer,
  type ServerDefinition,
} from '../../src/registry/index.js';
import {
  BLOCKED_BY_QUESTION,
  UpstreamConnector,
  type CallIdentity,
  type ChangeFilter,
  type ConnectionEvents,
  type UpstreamSubscription,
  type RefusedResource,
  type ServerProfile,
  type UpstreamConnection,
  type UpstreamReply,
  type UpstreamRequest,
  type UpstreamSessionState,
} from '../../src/upstream/index.js';

type ConnectionAttempt = Parameters<UpstreamConnector['open']>[3];

export interface SentRequest {
  readonly request: UpstreamRequest;
  readonly reply: UpstreamReply;
  readonly signal: AbortSignal;
}

/** Answers a request of a fake server. A pending promise leaves the request open until it is aborted. */
export type Respond = (sent: SentRequest, connection: FakeConnection) => Outcome | Promise<Outcome>;

const ALL_CAPABILITIES: JsonObject = { tools: {}, prompts: {}, resources: { subscribe: true }, logging: {} };

export class FakeConnection implements UpstreamConnection {
  closed = false;
  closedByUs = false;
  isDetached = false;
  readonly sent: SentRequest[] = [];
  readonly sentNotifications: McpNotification[] = [];
  /** Identity of the call whose question blocks the other ones; undefined when none does. */
  blocking: { readonly asker: CallIdentity | undefined } | undefined;
  readonly listeners: { filter: ChangeFilter; onChange: (notification: McpNotification) => void }[] = [];

  constructor(
    readonly server: ServerDefinition,
    readonly client: ClientProfile,
    readonly profile: ServerProfile,
    private readonly events: ConnectionEvents,
    private readonly connector: FakeConnector,
  ) {}

  request(request: UpstreamRequest, reply: UpstreamReply, signal: AbortSignal): Promise<Outcome> {
    if (this.blocking && this.blocking.asker?.principal !== request.asker?.principal)
      return Promise.resolve(BLOCKED_BY_QUESTION);
    const sent = { request, reply, signal };
    this.sent.push(sent);
    const aborted = new Promise<Outcome>((resolve) => {
      const give = () => resolve(toFaultOutcome('aborted'));
      if (signal.aborted) give();
      else signal.addEventListener('abort', give, { once: true });
    });
    return Promise.race([Promise.resolve(this.connector.respond(sent, this)), aborted]);
  }

  blockingCall(): FakeConnection['blocking'] {
    return this.blocking;
  }

  async notify(notification: McpNotification): Promise<Outcome> {
    this.sentNotifications.push(notification);
    return this.connector.receive(notification, this);
  }

  async subscribe(
    filter: ChangeFilter,
    onChange: (notification: McpNotification) => void,
  ): Promise<UpstreamSubscription> {
    await this.connector.beforeSubscribing(this, filter);
    const listener = { filter, onChange };
    this.listeners.push(listener);
    return {
      honoured: this.connector.honours(filter),
      refused: this.connector.refuses(filter),
      close: async () => {
        this.listeners.splice(this.listeners.indexOf(listener), 1);
        await this.connector.beforeUnsubscribed();
      },
    };
  }

  async close(): Promise<void> {
    this.closed = true;
    this.closedByUs = !this.isDetached;
  }

  /** Undefined for a connection that cannot be handed off. */
  detachSession?: (() => UpstreamSessionState | undefined) | undefined = () => {
    if (this.closed) return undefined;
    this.closed = true;
    this.isDetached = true;
    return { server: this.server.slug, sessionId: `upstream-${this.server.slug}`, profile: this.profile, lastId: 7 };
  };

  // Actions of the server.

  emitNotification(notification: McpNotification): void {
    this.events.notify(notification);
  }

  emitChange(notification: McpNotification): void {
    for (const { onChange } of this.listeners.slice()) onChange(notification);
  }

  /** Asks a question outside any call. Undefined if it is unknown whom to ask. */
  ask(question: Question, signal = new AbortController().signal, client?: string): Promise<Answer> | undefined {
    return this.events.question?.(question, signal, client);
  }

  reportAmbiguousQuestion(): void {
    this.events.ambiguousQuestion?.();
  }

  breakOff(): void {
    this.closed = true;
    this.listeners.length = 0;
    this.events.closed('it died');
  }
}

/** Opens fake connections. A spec replaces members to change the behaviour of servers. */
export class FakeConnector extends UpstreamConnector {
  override readonly childProcesses = 0;
  readonly opened: FakeConnection[] = [];
  readonly evicted: string[] = [];
  readonly adopted: UpstreamSessionState[] = [];
  readonly eras = new Map<string, Era>();
  /** Slugs of modern servers that speak the legacy era, too. */
  readonly bothEras = new Set<string>();
  readonly capabilities = new Map<string, JsonObject>();
  isShutDown = false;

  respond: Respond = () => result({});
  /** What becomes of a notification of a client. */
  receive: (notification: McpNotification, connection: FakeConnection) => Outcome = () => result({});
  honours = (filter: ChangeFilter): ChangeFilter => filter;
  refuses = (_filter: ChangeFilter): readonly RefusedResource[] => [];
  /** Hook before opening; rejects to make a server unreachable. */
  beforeOpening = async (_server: ServerDefinition, _attempt: ConnectionAttempt): Promise<void> => undefined;
  /** Hook before the era is probed. */
  beforeProbing = async (_server: ServerDefinition, _attempt: ConnectionAttempt): Promise<void> => undefined;
  /** Hook before subscribing; rejects to make a server refuse the subscription. */
  beforeSubscribing = async (_connection: FakeConnection, _filter: ChangeFilter): Promise<void> => undefined;

  /** Hook before the answer to the end of a subscription. */
  beforeUnsubscribed = async (): Promise<void> => undefined;

  /** Open connections in the order of opening. */
  get live(): FakeConnection[] {
    return this.opened.filter(({ closed }) => !closed);
  }

  override async resolveEra(
    server: ServerDefinition,
    _client: ClientProfile,
    attempt: ConnectionAttempt,
  ): Promise<Era> {
    await this.beforeProbing(server, attempt);
    return this.eraFor(server, attempt);
  }

  private eraFor(server: ServerDefinition, { clientEra }: ConnectionAttempt): Era {
    if (this.bothEras.has(server.slug)) return clientEra ?? 'modern';
    return this.eras.get(server.slug) ?? 'legacy';
  }

  override async open(
    server: ServerDefinition,
    client: ClientProfile,
    events: ConnectionEvents,
    attempt: ConnectionAttempt,
  ): Promise<UpstreamConnection> {
    await this.beforeOpening(server, attempt);
    const era = this.eraFor(server, attempt);
    const capabilities = this.capabilities.get(server.slug) ?? ALL_CAPABILITIES;
    const profile = { era, revision: era, capabilities, serverInfo: { name: server.slug, version: '1' } };
    const connection = new FakeConnection(server, client, profile, events, this);
    this.opened.push(connection);
    return connection;
  }

  override adoptSession(
    server: ServerDefinition,
    client: ClientProfile,
    state: UpstreamSessionState,
    events: ConnectionEvents,
  ): UpstreamConnection | undefined {
    if (server.transport !== 'http') return undefined;
    this.adopted.push(state);
    const connection = new FakeConnection(server, client, state.profile, events, this);
    this.opened.push(connection);
    return connection;
  }

  override evict(slug: string): void {
    this.evicted.push(slug);
  }

  override async shutdown(): Promise<void> {
    this.isShutDown = true;
  }
}

/** A registry whose configuration the spec changes. */
export class FakeRegistry extends ServerRegistry {
  private readonly listeners = new Set<(now: RegistrySnapshot, before: RegistrySnapshot) => void>();
  private current: RegistrySnapshot;

  constructor(servers: readonly ServerDefinition[] = [], more: Partial<RegistrySnapshot> = {}) {
    super();
    this.current = {
      version: 1,
      servers,
      virtualServers: [],
      teams: [],
      policies: [],
      limits: [],
      guardrails: [],
      defaultEndpoint: { public: false },
      ...more,
    };
  }

  get snapshot(): RegistrySnapshot {
    return this.current;
  }

  onChange(listener: (now: RegistrySnapshot, before: RegistrySnapshot) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  configure(servers: readonly ServerDefinition[], more: Partial<RegistrySnapshot> = {}): void {
    const before = this.current;
    this.current = { ...before, ...more, version: before.version + 1, servers };
    for (const listener of this.listeners) listener(this.current, before);
  }
}

export function remoteServer(slug: string, more: Partial<RemoteServer> = {}): RemoteServer {
  return {
    slug,
    enabled: true,
    allowUnknownMethods: false,
    tasks: false,
    public: false,
    timeouts: { connectMs: 5_000, requestMs: 10_000 },
    transport: 'http',
    url: `http://${slug}.example`,
    headers: {},
    ...more,
  };
}

export function childServer(
  slug: string,
  more: Partial<Pick<ServerDefinition, 'isolation' | 'allowUnknownMethods' | 'tasks' | 'team' | 'public'>> = {},
): ServerDefinition {
  const { url: _url, headers: _headers, transport: _transport, ...base } = remoteServer(slug);
  return { ...base, transport: 'stdio', command: slug, args: [], env: {}, ...more };
}

export function callerOf(subject: string): Caller {
  const principal = { issuer: 'tests', subject };
  return { principal, key: `tests|${subject}`, anonymous: false, roles: [], teams: [], scopes: [], claims: {} };
}

export const LEGACY_CLIENT: ClientProfile = { revision: '2025-11-25', capabilities: {} };
export const MODERN_CLIENT: ClientProfile = { revision: '2026-07-28', capabilities: {} };

export const unreachable = (server: string): Extract<Outcome, { kind: 'error' }> => {
  const data = { outcome: 'not_executed', retriable: true, server };
  return { kind: 'error', error: { code: -31004, message: 'Upstream could not be reached', data }, httpStatus: 502 };
};

/** Resolves after all promises that need no timer or I/O have settled. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
