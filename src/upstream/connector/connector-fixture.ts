import type { ClientProfile, Era, JsonObject, McpNotification, Outcome } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { SystemClock } from '#lib/time';
import type { RemoteServer, ServerDefinition, StdioServer } from '../../registry/index.js';
import type { ConnectionEvents, UpstreamConnection, UpstreamReply, UpstreamRequest } from '../upstream-connection.js';
import type { ConnectionAttempt } from '../upstream-connector.js';
import { UpstreamConfig } from '../upstream.config.js';
import { UpstreamServices } from '../upstream-services.js';
import { DefaultUpstreamConnector } from './default-upstream-connector.js';

/** A client that declares no capabilities. */
export const CLIENT_WITHOUT_CAPABILITIES: ClientProfile = {
  revision: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'spec', version: '1' },
};

/** A client that declares all capabilities. */
export const CLIENT_WITH_ALL_CAPABILITIES: ClientProfile = {
  ...CLIENT_WITHOUT_CAPABILITIES,
  capabilities: { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: { listChanged: true } },
};

export const NEVER: AbortSignal = new AbortController().signal;

export function httpServer(url: string, more: Partial<RemoteServer> = {}): RemoteServer {
  return {
    slug: 'subject',
    enabled: true,
    allowUnknownMethods: false,
    tasks: false,
    public: false,
    timeouts: { connectMs: scaleDeadline(5_000), requestMs: scaleDeadline(10_000) },
    transport: 'http',
    url,
    headers: {},
    ...more,
  };
}

export function stdioServer(command: string, args: readonly string[], more: Partial<StdioServer> = {}): StdioServer {
  return {
    slug: 'subject',
    enabled: true,
    allowUnknownMethods: false,
    tasks: false,
    public: false,
    timeouts: { connectMs: scaleDeadline(10_000), requestMs: scaleDeadline(10_000) },
    transport: 'stdio',
    command,
    args,
    env: {},
    ...more,
  };
}

/** Records the events of a connection. */
export class RecordedEvents implements ConnectionEvents {
  readonly notifications: McpNotification[] = [];
  readonly closeReasons: string[] = [];
  private readonly waiting: (() => void)[] = [];

  notify(notification: McpNotification): void {
    this.notifications.push(notification);
    this.wake();
  }

  closed(reason: string): void {
    this.closeReasons.push(reason);
    this.wake();
  }

  /** Resolves once the condition holds; it is evaluated after each event. */
  async until(condition: (events: this) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

/** Records the messages that precede an outcome; answers questions with `answers`. */
export class RecordedReply implements UpstreamReply {
  readonly notifications: McpNotification[] = [];
  readonly questions: string[] = [];

  constructor(
    private readonly answers: UpstreamReply['answerQuestion'] = async () => ({ result: {} }),
    private readonly backPressure: () => void | Promise<void> = () => undefined,
  ) {}

  notify(notification: McpNotification): void | Promise<void> {
    this.notifications.push(notification);
    return this.backPressure();
  }

  answerQuestion(
    ...[question, signal]: Parameters<UpstreamReply['answerQuestion']>
  ): ReturnType<UpstreamReply['answerQuestion']> {
    this.questions.push(question.method);
    return this.answers(question, signal);
  }
}

const TEST_IDENTITY = { principal: 'me', client: 'me' };

export function toolCall(name: string, args: JsonObject = {}, more: Partial<UpstreamRequest> = {}): UpstreamRequest {
  return {
    method: 'tools/call',
    params: { name, arguments: args },
    client: CLIENT_WITHOUT_CAPABILITIES,
    asker: TEST_IDENTITY,
    ...more,
  };
}

/** A connector with recorded events of its connections. */
export class ConnectorHarness {
  readonly connector: DefaultUpstreamConnector;
  readonly events = new RecordedEvents();

  constructor(settings: Partial<UpstreamConfig> = {}) {
    const config = Object.assign(new UpstreamConfig(), settings);
    this.connector = new DefaultUpstreamConnector(new UpstreamServices(config, new SystemClock()));
  }

  resolveEra(server: ServerDefinition, signal = NEVER): Promise<Era> {
    return this.connector.resolveEra(server, CLIENT_WITHOUT_CAPABILITIES, { signal });
  }

  open(
    server: ServerDefinition,
    client: ClientProfile = CLIENT_WITHOUT_CAPABILITIES,
    attempt: Partial<ConnectionAttempt> = {},
  ): Promise<UpstreamConnection> {
    return this.connector.open(server, client, this.events, { signal: NEVER, ...attempt });
  }

  close(): Promise<void> {
    return this.connector.shutdown();
  }
}

/** Returns the text of a tool's result, or the error. */
export function toResultText(outcome: Outcome): unknown {
  if (outcome.kind === 'error') return outcome.error;
  const { content } = outcome.result;
  const [first] = Array.isArray(content) ? content : [];
  return (first as JsonObject | undefined)?.['text'];
}
