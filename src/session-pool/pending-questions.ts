import {
  isRequestId,
  metaOf,
  type Answer,
  type McpNotification,
  type Question,
  type RequestId,
} from '#lib/mcp-protocol';
import { QuestionWithdrawn, QuestionTimedOut, TooManyQuestions } from './session-pool.errors.js';
import type { SessionStream } from './session-stream.js';

/** Questions that a session's client may have before it at a time. */
const MAX_PENDING_QUESTIONS = 256;

/** Who asks, and hears how far the client has come with its answer. */
export interface ProgressReceiver {
  notify(notification: McpNotification): Promise<void>;
}

interface PendingQuestion {
  readonly resolve: (answer: Answer) => void;
  readonly forwardProgress: (notification: McpNotification) => Promise<void>;
}

/**
 * Questions that a session's client has not answered yet. Each is settled once: answered, withdrawn or given up. Servers
 * number their progress tokens each for itself: to the client a question's own id stands for its server's token.
 */
export class PendingQuestions {
  private readonly pending = new Map<RequestId, PendingQuestion>();
  private lastId = 0;

  /** `patienceMs`: how long a client may take to answer. */
  constructor(private readonly timeoutMs: number) {}

  get size(): number {
    return this.pending.size;
  }

  /**
   * Asks on a stream and waits. Rejects with QuestionWithdrawn once the signal is aborted, with QuestionTimedOut
   * when the client takes too long, with TooManyQuestions at the bound. The client is told not to bother any more.
   */
  async send(
    question: Question,
    stream: SessionStream,
    signal: AbortSignal,
    asker?: ProgressReceiver,
  ): Promise<Answer> {
    // A signal that was aborted before does not say so again.
    if (signal.aborted) throw new QuestionWithdrawn();
    if (this.pending.size >= MAX_PENDING_QUESTIONS) throw new TooManyQuestions(MAX_PENDING_QUESTIONS);
    const id = ++this.lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const withdraw = (cause: Error) => {
      reject(cause);
      void stream.emit({ kind: 'notification', notification: toCancellation(id) });
    };
    const abandon = () => withdraw(new QuestionWithdrawn());
    const timer = setTimeout(() => withdraw(new QuestionTimedOut(this.timeoutMs)), this.timeoutMs).unref();
    signal.addEventListener('abort', abandon, { once: true });
    const { asked, tellProgress } = withQuestionToken(question, id, asker);
    this.pending.set(id, { resolve: resolve, forwardProgress: tellProgress });
    try {
      void stream.emit({ kind: 'question', id, question: asked });
      return await promise;
    } finally {
      this.pending.delete(id);
      signal.removeEventListener('abort', abandon);
      clearTimeout(timer);
    }
  }

  /** Answers to unknown or settled questions are dropped. */
  resolve(id: RequestId, answer: Answer): void {
    this.pending.get(id)?.resolve(answer);
  }

  /** Takes the client's progress to who asked (basic/utilities/progress); that on anything else is dropped. */
  async forwardProgress(notification: McpNotification): Promise<void> {
    const { progressToken } = notification.params;
    if (isRequestId(progressToken)) await this.pending.get(progressToken)?.forwardProgress(notification);
  }
}

function withQuestionToken(question: Question, id: RequestId, asker: ProgressReceiver | undefined) {
  const meta = metaOf(question.params);
  const { progressToken } = meta;
  if (!isRequestId(progressToken)) return { asked: question, tellProgress: ignoreProgress };
  return {
    asked: { ...question, params: { ...question.params, _meta: { ...meta, progressToken: id } } },
    tellProgress: async ({ method, params }: McpNotification) =>
      asker?.notify({ method, params: { ...params, progressToken } }),
  };
}

const ignoreProgress = async (): Promise<void> => undefined;

const toCancellation = (requestId: RequestId): McpNotification => ({
  method: 'notifications/cancelled',
  params: { requestId, reason: 'The server no longer waits for the answer.' },
});
