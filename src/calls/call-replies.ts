import {
  RpcCode,
  toListFlag,
  type Answer,
  type JsonObject,
  type LogLevel,
  type McpNotification,
  type Question,
} from '#lib/mcp-protocol';
import type { CallProgress } from '../telemetry/index.js';
import type { UpstreamConnection, UpstreamReply } from '../upstream/index.js';
import { type StreamSink, isBelowLevel, type OpenCall, type Session } from '../session-pool/index.js';

/** What legacy servers send to sessions during calls. A client without a session subscribes to changes. */
const isSessionMessage = (method: string): boolean =>
  toListFlag(method) !== undefined || method === 'notifications/elicitation/complete';

export const QUESTIONS_UNSUPPORTED: Answer = {
  error: { code: RpcCode.methodNotFound, message: 'This client does not accept questions.' },
};

/** Sends notifications and questions of one call to its client. */
export abstract class CallReply implements UpstreamReply {
  /** Capabilities that questions of the server require and the client has not declared. */
  undeclaredCapabilities: JsonObject | undefined;
  /** The connection on which the server sends its questions. */
  protected connection: UpstreamConnection | undefined;

  /** Sets the connection that serves the call from now on. */
  useConnection(connection: UpstreamConnection): void {
    this.connection = connection;
  }

  abstract notify(notification: McpNotification): void | Promise<void>;
  abstract answerQuestion(question: Question, signal: AbortSignal): Promise<Answer>;

  missingCapabilities(capabilities: JsonObject): void {
    this.undeclaredCapabilities = { ...this.undeclaredCapabilities, ...capabilities };
  }
}

/** Sends notifications and questions to the client of a legacy session. */
export class SessionReply extends CallReply {
  constructor(
    private readonly session: Session,
    private readonly call: OpenCall,
    private readonly progress?: CallProgress,
  ) {
    super();
  }

  notify(notification: McpNotification): void | Promise<void> {
    if (this.session.logLevel && isBelowLevel(notification, this.session.logLevel)) return undefined;
    return this.call.stream?.emit({ kind: 'notification', notification });
  }

  opened(retryMs?: number): void {
    void this.call.stream?.emit({ kind: 'opened', ...(retryMs !== undefined && { retryMs }) });
  }

  interrupted(): void {
    this.call.stream?.interrupt();
  }

  answerQuestion(question: Question, signal: AbortSignal): Promise<Answer> {
    const { stream } = this.call;
    if (!stream) return Promise.resolve(QUESTIONS_UNSUPPORTED);
    const send = () => this.session.sendQuestion(question, stream, signal, this.connection);
    return this.progress ? this.progress.whileClientAnswers(send) : send();
  }
}

/** Sends notifications to a client without a session, which cannot receive questions during its call. */
export class PlainReply extends CallReply {
  constructor(
    private readonly sink: StreamSink,
    private readonly logLevel: LogLevel | undefined,
  ) {
    super();
  }

  /** Sends log messages only if the request sets a log level (specification: server/utilities/logging). */
  notify(notification: McpNotification): void | Promise<void> {
    if (this.connection?.profile.era === 'legacy' && isSessionMessage(notification.method)) return undefined;
    if (notification.method === 'notifications/message') {
      if (!this.logLevel || isBelowLevel(notification, this.logLevel)) return undefined;
    }
    return this.sink.emit({ kind: 'notification', notification });
  }

  answerQuestion(): Promise<Answer> {
    return Promise.resolve(QUESTIONS_UNSUPPORTED);
  }
}
