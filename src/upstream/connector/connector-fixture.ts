import type { ClientProfile, JsonObject, McpNotification, Outcome } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
import type { RemoteServer, ServerDefinition, StdioServer } from '../../registry/index.js';
import type { ConnectionEvents, UpstreamConnection, UpstreamReply, UpstreamRequest } from '../upstream-connection.js';
import { UpstreamConfig } from '../upstream.config.js';
import { DefaultUpstreamConnector } from './default-upstream-connector.js';

/** A client that can be asked nothing. */
export const SILENT_CLIENT: ClientProfile = {
  revision: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'spec', version: '1' },
};

/** A client that answers everything. */
export const TALKATIVE_CLIENT: ClientProfile = {
  ...SILENT_CLIENT,
  capabilities: { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: { listChanged: true } },
};

export const NEVER: AbortSignal = new AbortController().signal;

export function remote(url: string, more: Partial<RemoteServer> = {}): RemoteServer {
  return {
    slug: 'subject',
    enabled: true,
    shared: false,
    public: false,
    timeouts: { connectMs: scaleDeadline(5_000), requestMs: scaleDeadline(10_000) },
    transport: 'http',
    url,
    headers: {},
    ...more,
  };
}

export function child(command: string, args: readonly string[], more: Partial<StdioServer> = {}): StdioServer {
  return {
    slug: 'subject',
    enabled: true,
    shared: false,
    public: false,
    timeouts: { connectMs: scaleDeadline(10_000), requestMs: scaleDeadline(10_000) },
    transport: 'stdio',
    command,
    args,
    env: {},
    ...more,
  };
}

/** Keeps what a connection reports. */
export class Events implements ConnectionEvents {
  readonly notifications: McpNotification[] = [];
  readonly ends: string[] = [];
  private readonly waiting: (() => void)[] = [];

  notify(notification: McpNotification): void {
    this.notifications.push(notification);
    this.wake();
  }

  closed(reason: string): void {
    this.ends.push(reason);
    this.wake();
  }

  /** Resolves once the condition holds; it is looked at after each event. */
  async until(condition: (events: this) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

/** Keeps what precedes an outcome; answers questions with `answers`. */
export class Reply implements UpstreamReply {
  readonly notifications: McpNotification[] = [];
  readonly questions: string[] = [];

  constructor(
    private readonly answers: UpstreamReply['ask'] = async () => ({ result: {} }),
    private readonly pressure: () => void | Promise<void> = () => undefined,
  ) {}

  notify(notification: McpNotification): void | Promise<void> {
    this.notifications.push(notification);
    return this.pressure();
  }

  ask(...[question, signal]: Parameters<UpstreamReply['ask']>): ReturnType<UpstreamReply['ask']> {
    this.questions.push(question.method);
    return this.answers(question, signal);
  }
}

const ME = { principal: 'me', client: 'me' };

export function toolCall(name: string, args: JsonObject = {}, more: Partial<UpstreamRequest> = {}): UpstreamRequest {
  return { method: 'tools/call', params: { name, arguments: args }, client: SILENT_CLIENT, asker: ME, ...more };
}

/** A connector, and what it opened. */
export class Workbench {
  readonly connector: DefaultUpstreamConnector;
  readonly events = new Events();

  constructor(settings: Partial<UpstreamConfig> = {}) {
    this.connector = new DefaultUpstreamConnector(Object.assign(new UpstreamConfig(), settings));
  }

  open(server: ServerDefinition, client: ClientProfile = SILENT_CLIENT): Promise<UpstreamConnection> {
    return this.connector.open(server, client, this.events, NEVER);
  }

  close(): Promise<void> {
    return this.connector.shutdown();
  }
}

/** The text of a tool's result, or the error. */
export function textOf(outcome: Outcome): unknown {
  if (outcome.kind === 'error') return outcome.error;
  const { content } = outcome.result;
  const [first] = Array.isArray(content) ? content : [];
  return (first as JsonObject | undefined)?.['text'];
}
