import {
  RpcCode,
  type Answer,
  type JsonObject,
  type LogLevel,
  type McpNotification,
  type Question,
} from '#lib/mcp-protocol';
import type { UpstreamConnection, UpstreamReply } from '../upstream/index.js';
import { type StreamSink, isBelowLevel, type OpenCall, type Session } from '../session-pool/index.js';

const QUESTIONS_UNSUPPORTED: Answer = {
  error: { code: RpcCode.methodNotFound, message: 'This client takes no questions.' },
};

/** Carries what precedes the outcome to the client of one call. */
export abstract class CallReply implements UpstreamReply {
  /** Capabilities that a question of the server needs and the client has not declared. */
  undeclaredCapabilities: JsonObject | undefined;
  /** What its questions come by. */
  connection: UpstreamConnection | undefined;

  abstract notify(notification: McpNotification): void | Promise<void>;
  abstract answerQuestion(question: Question, signal: AbortSignal): Promise<Answer>;

  missingCapabilities(capabilities: JsonObject): void {
    this.undeclaredCapabilities = { ...this.undeclaredCapabilities, ...capabilities };
  }
}

/** Carries it to a legacy session's client, and questions to it and back. */
export class SessionReply extends CallReply {
  constructor(
    private readonly session: Session,
    private readonly call: OpenCall,
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
    return stream
      ? this.session.sendQuestion(question, stream, signal, this.connection)
      : Promise.resolve(QUESTIONS_UNSUPPORTED);
  }
}

/** Carries notifications to a client without a session; there is no one to ask in the middle of its call. */
export class PlainReply extends CallReply {
  constructor(
    private readonly sink: StreamSink,
    private readonly logLevel: LogLevel | undefined,
  ) {
    super();
  }

  /** A modern client hears log messages only if the request asked for them (specification: server/utilities/logging). */
  notify(notification: McpNotification): void | Promise<void> {
    if (notification.method === 'notifications/message') {
      if (!this.logLevel || isBelowLevel(notification, this.logLevel)) return undefined;
    }
    return this.sink.emit({ kind: 'notification', notification });
  }

  answerQuestion(): Promise<Answer> {
    return Promise.resolve(QUESTIONS_UNSUPPORTED);
  }
}
