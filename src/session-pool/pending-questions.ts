import {
  isRequestId,
  metaOf,
  type Answer,
  type McpNotification,
  type Question,
  type RequestId,
} from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { QuestionWithdrawn, QuestionTimedOut, TooManyQuestions } from './session-pool.errors.js';
import type { SessionStream } from './session-stream.js';

/** Maximum number of questions that a session's client may have open at a time. */
const MAX_PENDING_QUESTIONS = 256;

/** Receives the client's progress notifications for a question: the connection of the server that sent it. */
export interface ProgressReceiver {
  notify(notification: McpNotification): Promise<unknown>;
}

/** An open connection to a server that serves a session, as far as the session itself uses it. */
export interface SessionConnection extends ProgressReceiver {
  readonly closed: boolean;
}

interface PendingQuestion {
  readonly resolve: (answer: Answer) => void;
  readonly forwardProgress: (notification: McpNotification) => Promise<unknown>;
}

/**
 * The questions that a session's client has not answered yet. Each is settled exactly once: answered, withdrawn or
 * timed out (invariant 8). Progress tokens of different servers may collide, so the client receives the question's own
 * id as the token.
 */
export class PendingQuestions {
  private readonly pending = new Map<RequestId, PendingQuestion>();
  private lastId = 0;

  /** @param timeoutMs how long a client may take to answer, in milliseconds */
  constructor(
    private readonly timeoutMs: number,
    private readonly clock: Clock,
  ) {}

  get size(): number {
    return this.pending.size;
  }

  /**
   * Sends a question on a stream and waits for the answer. Rejects with QuestionWithdrawn once the signal is aborted,
   * with QuestionTimedOut when the client takes too long, and with TooManyQuestions at the limit. In the first two
   * cases the client receives `notifications/cancelled`.
   */
  async send(
    question: Question,
    stream: SessionStream,
    signal: AbortSignal,
    server?: ProgressReceiver,
  ): Promise<Answer> {
    // A signal that is already aborted emits no further abort event.
    if (signal.aborted) throw new QuestionWithdrawn();
    if (this.pending.size >= MAX_PENDING_QUESTIONS) throw new TooManyQuestions(MAX_PENDING_QUESTIONS);
    const id = ++this.lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const withdraw = (cause: Error) => {
      reject(cause);
      void stream.emit({ kind: 'notification', notification: toCancellation(id) });
    };
    const onAbort = () => withdraw(new QuestionWithdrawn());
    const cancelTimeout = this.clock.after(this.timeoutMs, () => withdraw(new QuestionTimedOut(this.timeoutMs)));
    signal.addEventListener('abort', onAbort, { once: true });
    const { sent, forwardProgress } = withQuestionToken(question, id, server);
    this.pending.set(id, { resolve, forwardProgress });
    try {
      void stream.emit({ kind: 'question', id, question: sent });
      return await promise;
    } finally {
      this.pending.delete(id);
      signal.removeEventListener('abort', onAbort);
      cancelTimeout();
    }
  }

  /** Delivers an answer. Drops answers to unknown or settled questions. */
  resolve(id: RequestId, answer: Answer): void {
    this.pending.get(id)?.resolve(answer);
  }

  /**
   * Forwards the client's progress to the server that sent the question (basic/utilities/progress). Drops any other.
   */
  async forwardProgress(notification: McpNotification): Promise<void> {
    const { progressToken } = notification.params;
    if (isRequestId(progressToken)) await this.pending.get(progressToken)?.forwardProgress(notification);
  }
}

function withQuestionToken(question: Question, id: RequestId, server: ProgressReceiver | undefined) {
  const meta = metaOf(question.params);
  const { progressToken } = meta;
  if (!isRequestId(progressToken)) return { sent: question, forwardProgress: ignoreProgress };
  return {
    sent: { ...question, params: { ...question.params, _meta: { ...meta, progressToken: id } } },
    forwardProgress: async ({ method, params }: McpNotification) =>
      server?.notify({ method, params: { ...params, progressToken } }),
  };
}

const ignoreProgress = async (): Promise<void> => undefined;

const toCancellation = (requestId: RequestId): McpNotification => ({
  method: 'notifications/cancelled',
  params: { requestId, reason: 'The server no longer waits for the answer.' },
});
