import type { RequestStateCodec, ServerContext } from '@modelcontextprotocol/server';

import { isAnswerTo, InputNeeded, type Answer, type AskOptions, type Question } from '../features/index.js';

/** Content of the sealed request state: the answers of earlier rounds. */
export interface AnsweredSoFar {
  answers: { [key: string]: Answer };
}

/** The questions of one request. The client repeats the request until all of them are answered. */
export class ReplayedQuestions {
  private readonly isResumed: boolean;
  /** Answers from the sealed state, and those of this retry that a question has used. */
  private readonly known: { [key: string]: Answer };
  private readonly fresh: { [key: string]: unknown };

  constructor(
    request: ServerContext['mcpReq'],
    private readonly codec: RequestStateCodec<AnsweredSoFar>,
  ) {
    const state = request.requestState<AnsweredSoFar>();
    this.isResumed = state !== undefined;
    this.known = { ...state?.answers };
    this.fresh = { ...request.inputResponses };
  }

  /** Resolves when every question has its answer. Otherwise throws InputNeeded, which ends the request. */
  async ask<K extends string>(questions: Record<K, Question>, options: AskOptions = {}): Promise<Record<K, Answer>> {
    const isSealed = options.sealed === true;
    const answers: Record<string, Answer> = {};
    const open: { [key: string]: Question } = {};
    for (const [key, question] of Object.entries<Question>(questions)) {
      const answer = this.answerTo(key, isSealed);
      if (isAnswerTo(question, answer)) answers[key] = answer;
      else open[key] = question;
    }
    Object.assign(this.known, answers);
    if (Object.keys(open).length === 0) return answers;
    const mustSeal = isSealed || Object.keys(this.known).length > 0;
    throw new InputNeeded(open, mustSeal ? await this.codec.mint({ answers: this.known }) : undefined);
  }

  private answerTo(key: string, isSealed: boolean): unknown {
    if (key in this.known) return this.known[key];
    return isSealed && !this.isResumed ? undefined : this.fresh[key];
  }
}
