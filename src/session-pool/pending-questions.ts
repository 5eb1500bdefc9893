import {
  isRequestId,
  metaOf,
  type Answer,
  type McpNotification,
  type Question,
  type RequestId,
} from '#lib/mcp-protocol';
import { QuestionAbandoned, QuestionUnanswered, TooManyQuestions } from './session-pool.errors.js';
import type { SessionStream } from './session-stream.js';

/** Questions that a session's client may have before it at a time. */
const MOST_PENDING = 256;

/** Who asks, and hears how far the client has come with its answer. */
export interface Asker {
  notify(notification: McpNotification): Promise<void>;
}

interface Pending {
  readonly give: (answer: Answer) => void;
  readonly tellProgress: (notification: McpNotification) => Promise<void>;
}

/**
 * Questions that a session's client has not answered yet. Each is settled once: answered, withdrawn or given up. Servers
 * number their progress tokens each for itself: to the client a question's own id stands for its server's token.
 */
export class PendingQuestions {
  private readonly pending = new Map<RequestId, Pending>();
  private lastId = 0;

  /** `patienceMs`: how long a client may take to answer. */
  constructor(private readonly patienceMs: number) {}

  get size(): number {
    return this.pending.size;
  }

  /**
   * Asks on a stream and waits. Rejects with QuestionAbandoned once the signal is aborted, with QuestionUnanswered
   * when the client takes too long, with TooManyQuestions at the bound. The client is told not to bother any more.
   */
  async ask(question: Question, stream: SessionStream, signal: AbortSignal, asker?: Asker): Promise<Answer> {
    // A signal that was aborted before does not say so again.
    if (signal.aborted) throw new QuestionAbandoned();
    if (this.pending.size >= MOST_PENDING) throw new TooManyQuestions(MOST_PENDING);
    const id = ++this.lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const withdraw = (cause: Error) => {
      reject(cause);
      void stream.emit({ kind: 'notification', notification: withdrawalOf(id) });
    };
    const abandon = () => withdraw(new QuestionAbandoned());
    const timer = setTimeout(() => withdraw(new QuestionUnanswered(this.patienceMs)), this.patienceMs).unref();
    signal.addEventListener('abort', abandon, { once: true });
    const { asked, tellProgress } = withOwnToken(question, id, asker);
    this.pending.set(id, { give: resolve, tellProgress });
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
  answer(id: RequestId, answer: Answer): void {
    this.pending.get(id)?.give(answer);
  }

  /** Takes the client's progress to who asked (basic/utilities/progress); that on anything else is dropped. */
  async progress(notification: McpNotification): Promise<void> {
    const { progressToken } = notification.params;
    if (isRequestId(progressToken)) await this.pending.get(progressToken)?.tellProgress(notification);
  }
}

function withOwnToken(question: Question, id: RequestId, asker: Asker | undefined) {
  const meta = metaOf(question.params);
  const { progressToken } = meta;
  if (!isRequestId(progressToken)) return { asked: question, tellProgress: toNobody };
  return {
    asked: { ...question, params: { ...question.params, _meta: { ...meta, progressToken: id } } },
    tellProgress: async ({ method, params }: McpNotification) =>
      asker?.notify({ method, params: { ...params, progressToken } }),
  };
}

const toNobody = async (): Promise<void> => undefined;

const withdrawalOf = (requestId: RequestId): McpNotification => ({
  method: 'notifications/cancelled',
  params: { requestId, reason: 'The server no longer waits for the answer.' },
});
