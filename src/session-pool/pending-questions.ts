import type { Answer, McpNotification, Question, RequestId } from '#lib/mcp-protocol';
import { QuestionAbandoned, QuestionUnanswered, TooManyQuestions } from './session-pool.errors.js';
import type { SessionStream } from './session-stream.js';

/** Questions that a session's client may have before it at a time. */
const MOST_PENDING = 256;

/** Questions that a session's client has not answered yet. Each is settled once: answered, withdrawn or given up. */
export class PendingQuestions {
  private readonly pending = new Map<RequestId, (answer: Answer) => void>();
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
  async ask(question: Question, stream: SessionStream, signal: AbortSignal): Promise<Answer> {
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
    this.pending.set(id, resolve);
    try {
      void stream.emit({ kind: 'question', id, question });
      return await promise;
    } finally {
      this.pending.delete(id);
      signal.removeEventListener('abort', abandon);
      clearTimeout(timer);
    }
  }

  /** Answers to unknown or settled questions are dropped. */
  answer(id: RequestId, answer: Answer): void {
    this.pending.get(id)?.(answer);
  }
}

const withdrawalOf = (requestId: RequestId): McpNotification => ({
  method: 'notifications/cancelled',
  params: { requestId, reason: 'The server no longer waits for the answer.' },
});
