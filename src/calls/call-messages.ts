import { OutcomeError } from '#lib/extension-kit';
import type { Answer, McpNotification, Outcome, Question } from '#lib/mcp-protocol';
import { createLinkedController } from '#lib/time';
import { QuestionWithdrawn } from '../session-pool/index.js';
import type { UpstreamConnection, UpstreamReply } from '../upstream/index.js';
import { CallReply } from './call-replies.js';

/** Handles what a server sends during one call, before its client receives it. */
export interface CallMessages {
  /**
   * Returns what the client receives, or undefined for nothing. Absent: the client receives all as it is.
   * @throws MessageRefused
   */
  readonly onNotification?: (notification: McpNotification) => McpNotification | undefined;
  /**
   * Returns the answer for the server. Absent: the client answers.
   * @param ask asks the client
   * @param signal aborted when the server no longer waits for the answer
   * @throws MessageRefused, and what `ask` has thrown
   */
  readonly onQuestion?: (
    question: Question,
    ask: (question: Question) => Promise<Answer>,
    signal: AbortSignal,
  ) => Promise<Answer>;
  /**
   * Returns what takes the place of an error with which the server answered, or of a result that asks a client to repeat its call.
   * Absent: it stays as it is. Never rejects.
   */
  readonly onOutcome?: (outcome: Outcome, signal: AbortSignal) => Promise<Outcome>;
}

/** A message must not reach the client. The call is cancelled at its server and ends with this outcome. */
export class MessageRefused extends OutcomeError {}

/** Passes what a server sends through the handler of the call. */
export class HandledReply extends CallReply {
  /** Why the call must end. */
  refused: MessageRefused | undefined;
  private readonly control: AbortController;

  /** @param signal aborted when the client cancels the call */
  constructor(
    private readonly reply: CallReply & UpstreamReply,
    private readonly messages: CallMessages,
    signal: AbortSignal,
  ) {
    super();
    this.control = createLinkedController(signal);
  }

  /** Aborted when the call must end, for whichever reason. */
  get signal(): AbortSignal {
    return this.control.signal;
  }

  override useConnection(connection: UpstreamConnection): void {
    this.reply.useConnection(connection);
  }

  opened(retryMs?: number): void {
    this.reply.opened?.(retryMs);
  }

  interrupted(): void {
    this.reply.interrupted?.();
  }

  override notify(notification: McpNotification): void | Promise<void> {
    if (this.refused) return undefined;
    const { onNotification } = this.messages;
    if (!onNotification) return this.reply.notify(notification);
    try {
      const passed = onNotification(notification);
      return passed && this.reply.notify(passed);
    } catch (cause) {
      this.end(cause);
      return undefined;
    }
  }

  override async answerQuestion(question: Question, signal: AbortSignal): Promise<Answer> {
    const { onQuestion } = this.messages;
    const open = AbortSignal.any([signal, this.signal]);
    if (!onQuestion) return this.reply.answerQuestion(question, open);
    const ask = async (asked: Question): Promise<Answer> => {
      if (open.aborted) throw new QuestionWithdrawn();
      return this.reply.answerQuestion(asked, open);
    };
    // The server may stop waiting while the handler still works.
    const withdrawn = new Promise<never>((_answer, reject) => {
      open.addEventListener('abort', () => reject(new QuestionWithdrawn()), { once: true });
    });
    const answering = async (): Promise<Answer> => onQuestion(question, ask, open);
    try {
      return await Promise.race([answering(), withdrawn]);
    } catch (cause) {
      this.end(cause);
      throw new QuestionWithdrawn();
    }
  }

  /** @throws the cause if it does not end the call */
  private end(cause: unknown): void {
    if (!(cause instanceof MessageRefused)) throw cause;
    this.refused ??= cause;
    this.control.abort();
  }
}
