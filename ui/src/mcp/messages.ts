import { isObject, type JsonObject } from '../values/index.js';

/** A JSON-RPC message as it was sent or received. */
export type Message = JsonObject;

export const isAnswer = (message: Message): boolean =>
  !('method' in message) && ('result' in message || 'error' in message);

/** What the server asks during a call: `elicitation/create`, `sampling/createMessage` or `roots/list`. */
export interface Question {
  readonly method: string;
  readonly params: JsonObject;
}

/** What a client does with what it receives. */
export interface Listener {
  /** Every message in both directions, in order. */
  readonly onMessage: (direction: 'sent' | 'received', message: Message) => void;
  readonly onNotification: (method: string, params: JsonObject) => void;
  /** Resolves with the result. Rejects with a `Declined` if the person does not answer. */
  readonly onQuestion: (question: Question, signal: AbortSignal) => Promise<JsonObject>;
}

/** The person rejected a question that has no result for that. */
export class Declined extends Error {
  override readonly name = 'Declined';
}

/** Whether a call has run at the server, as the gateway says it. */
export type Outcome = 'executed' | 'not_executed' | 'unknown';

/** A failed request in the words of the gateway or the server. */
export class McpError extends Error {
  override readonly name = 'McpError';

  constructor(
    message: string,
    readonly code: number | undefined,
    readonly data: JsonObject,
    readonly httpStatus: number | undefined,
  ) {
    super(message);
  }

  /** Undefined when an error of the server says nothing about it: the call has reached the server. */
  get outcome(): Outcome | undefined {
    const { outcome } = this.data;
    return outcome === 'executed' || outcome === 'not_executed' || outcome === 'unknown' ? outcome : undefined;
  }

  get isFromGateway(): boolean {
    return this.data['isthmus/source'] === 'gateway';
  }

  /** Identifies the call in the log and in the audit log of the gateway. */
  get requestId(): string | undefined {
    const { requestId } = this.data;
    return typeof requestId === 'string' ? requestId : undefined;
  }
}

export function toError(error: unknown, httpStatus: number): McpError {
  const { code, message, data } = isObject(error) ? error : {};
  return new McpError(
    typeof message === 'string' ? message : `HTTP ${httpStatus}`,
    typeof code === 'number' ? code : undefined,
    isObject(data) ? data : {},
    httpStatus,
  );
}
