import type { QuestionReply } from './wire.js';

/** Matches replies of the client to the questions of the server. */
export class Replies {
  private readonly waiting = new Map<string, (reply: QuestionReply) => void>();

  waitFor(questionId: string): Promise<QuestionReply> {
    return new Promise((resolve) => this.waiting.set(questionId, resolve));
  }

  resolve(message: { readonly id?: string | number } & QuestionReply): void {
    const id = String(message.id);
    this.waiting.get(id)?.(message);
    this.waiting.delete(id);
  }
}
