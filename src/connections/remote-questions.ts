import { RpcCode, type Answer } from '#lib/mcp-protocol';
import type { ConnectionEvents } from '../upstream/index.js';
import type { AnswerOrder, OpenEvent } from './pool-orders.js';

type QuestionEvent = Extract<OpenEvent, { kind: 'question' | 'withdrawn' }>;

/** Sends the answer to the worker that owns the connection. */
type SendAnswer = (order: Omit<AnswerOrder, 'part'>) => Promise<unknown>;

/** The questions outside any call that the server of a leased connection asks this worker's clients. */
export class RemoteQuestions {
  private readonly open = new Map<number, AbortController>();

  constructor(
    private readonly events: ConnectionEvents,
    private readonly sendAnswer: SendAnswer,
  ) {}

  handle(event: QuestionEvent): void {
    if (event.kind === 'withdrawn') this.open.get(event.id)?.abort();
    else void this.answer(event);
  }

  /** The lease ended: no answer can be sent any more. */
  withdrawAll(): void {
    for (const control of this.open.values()) control.abort();
  }

  private async answer({ id, question, client }: Extract<QuestionEvent, { kind: 'question' }>): Promise<void> {
    const control = new AbortController();
    this.open.set(id, control);
    const pending = this.events.question?.(question, control.signal, client) ?? Promise.resolve(NO_CLIENT);
    const answer = await pending.catch(() => undefined);
    this.open.delete(id);
    if (!control.signal.aborted) await this.sendAnswer({ id, ...(answer && { answer }) });
  }
}

const NO_CLIENT: Answer = {
  error: { code: RpcCode.invalidRequest, message: 'The question belongs to no request' },
};
