import { Injectable } from '@nestjs/common';
import type { InterceptedCall, NextCall } from '#lib/extension-kit';
import {
  isJsonObject,
  type Answer,
  type JsonObject,
  type Outcome,
  type Question,
  type RpcError,
} from '#lib/mcp-protocol';
import { computeJsonDigest } from '#lib/sealing';
import { Clock } from '#lib/time';
import {
  askingAbout,
  freezeDeeply,
  OutcomeInterceptor,
  progressOf,
  serverAnswersOf,
  type Asking,
} from '../interception/index.js';
import { toAskingValue, withAskingValue } from './asking-value.js';
import type { JudgedSubject } from './check-run.js';
import { DecisionCounts } from './decision-counts.js';
import type { Decision } from './decision.js';
import { toErrorValue, withErrorValue } from './error-value.js';
import { GuardedDefinitions } from './guarded-definitions.js';
import { WithheldByGuardrail } from './guardrails.errors.js';
import { Guardrails } from './guardrails.js';
import { toPhase, type JudgedPart } from './judged-part.js';
import { judge, type Refusal } from './judgement.js';

/**
 * Applies guardrails to calls: to the arguments after every interceptor of extensions, right before the server receives them, and
 * to results, errors and questions before any extension sees them. Answers are judged after every extension, too.
 */
@Injectable()
export class GuardrailInterceptor extends OutcomeInterceptor {
  constructor(
    private readonly guardrails: Guardrails,
    private readonly definitions: GuardedDefinitions,
    private readonly counts: DecisionCounts,
    private readonly clock: Clock,
  ) {
    super();
  }

  override async intercept(call: InterceptedCall, next: NextCall): Promise<JsonObject> {
    await this.refuseWithheld(call);
    const args = await this.judge('arguments', call, call.arguments);
    await this.judgeServerAnswers(call, args);
    const result = await next(args === call.arguments ? {} : { arguments: args });
    return this.judge('results', call, result, args);
  }

  override async onQuestion(
    call: InterceptedCall,
    question: Question,
    next: (question: Question) => Promise<Answer>,
  ): Promise<Answer> {
    const params = isJsonObject(question.params) ? question.params : {};
    const judged = await this.judge('questions', call, params);
    const answer = await next(judged === params ? question : { ...question, params: judged });
    return this.judgeAnswer(call, answer);
  }

  override async onOutcome(call: InterceptedCall, outcome: Outcome): Promise<Outcome> {
    if (outcome.kind === 'error') {
      const error = await this.judgeError('errors', call, outcome.error);
      return error === outcome.error ? outcome : { ...outcome, error };
    }
    const value = toAskingValue(outcome.result);
    if (!value) return outcome;
    const judged = await this.judge('results', call, freezeDeeply(value));
    return judged === value ? outcome : { ...outcome, result: withAskingValue(outcome.result, judged) };
  }

  private async judgeError(part: JudgedPart, call: InterceptedCall, error: RpcError): Promise<RpcError> {
    const value = freezeDeeply(toErrorValue(error));
    const judged = await this.judge(part, call, value);
    return judged === value ? error : withErrorValue(error, judged);
  }

  /** A modern client answers a modern server in the repetition of its call, where no question is open. */
  private async judgeServerAnswers(call: InterceptedCall, args: JsonObject): Promise<void> {
    const answers = serverAnswersOf(call);
    if (!answers) return;
    const { given } = answers;
    const judged: JsonObject = {};
    for (const [key, answer = null] of Object.entries(given))
      judged[key] = isJsonObject(answer)
        ? await this.judge('answers', call, freezeDeeply(answer), args)
        : (await this.judge('answers', call, freezeDeeply({ answer }), args))['answer'];
    if (Object.keys(given).some((key) => judged[key] !== given[key])) answers.replace(judged);
  }

  private async judgeAnswer(call: InterceptedCall, answer: Answer): Promise<Answer> {
    if ('error' in answer) {
      const error = await this.judgeError('answers', call, answer.error);
      return error === answer.error ? answer : { error };
    }
    const judged = await this.judge('answers', call, answer.result);
    return judged === answer.result ? answer : { result: judged };
  }

  /** A tool that lists do not show must not be called either. */
  private async refuseWithheld(call: InterceptedCall): Promise<void> {
    const { item, definition } = call;
    if (call.method !== 'tools/call') return;
    const refusal = definition
      ? await this.definitions.findRefusal(item, definition)
      : this.definitions.refusalOfUnknown(item);
    if (refusal) this.refuse(refusal, 'definitions');
  }

  /**
   * Returns the value as it goes on.
   * @param args of the call, as its server receives them
   * @throws WithheldByGuardrail, or the error of a caller who does not answer
   */
  private async judge(
    part: JudgedPart,
    call: InterceptedCall,
    value: JsonObject,
    args = call.arguments,
  ): Promise<JsonObject> {
    const selected = this.guardrails.select(toPhase(part), call.item, call.caller);
    if (selected.length === 0) return value;
    const judgement = await judge(selected, toSubject(part, call, value, args), {
      clock: this.clock,
      toSignal: () => call.signal,
      // Who approves sees the arguments that go on: those that the guardrail judges, after the changes of the ones before it.
      askFor: (guardrail, judged) =>
        askFor(askingAbout(call, part === 'arguments' ? judged : args), guardrail, part, judged),
    });
    this.record(call, judgement.decisions);
    if (judgement.refusal) this.refuse(judgement.refusal, part);
    return judgement.value;
  }

  private record(call: InterceptedCall, decisions: readonly Decision[]): void {
    this.counts.add(decisions);
    const progress = progressOf(call);
    if (!progress) return;
    for (const { guardrail, mode, decision } of decisions)
      if (decision !== 'passed') progress.recordGuardrail(toRecorded(guardrail, mode, decision));
  }

  private refuse(refusal: Refusal, part: JudgedPart): never {
    throw refusal.error ?? new WithheldByGuardrail(refusal, part);
  }
}

const toRecorded = (guardrail: string, mode: string, decision: string): string =>
  mode === 'observe' ? `${guardrail}: would have ${decision}` : `${guardrail}: ${decision}`;

/** Asks for a guardrail. What it asks is bound to the value that it judges: consent to one must not count for another. */
function askFor({ ask, askAdmin }: Asking, guardrail: string, part: JudgedPart, value: JsonObject): Asking {
  const toKey = (key: string): string => `${guardrail} ${part} ${computeJsonDigest(value)} ${key}`;
  return {
    ask: (question) => ask({ ...question, key: toKey(question.key ?? 'question') }),
    askAdmin: ({ key = 'approval', message, ...question }) =>
      askAdmin({ ...question, key: toKey(key), message: `Guardrail ${guardrail}: ${message}` }),
  };
}

function toSubject(part: JudgedPart, call: InterceptedCall, value: JsonObject, args: JsonObject): JudgedSubject {
  const { item, caller, definition, requestId, endpoint, client, method } = call;
  return {
    phase: toPhase(part),
    value,
    ...(part === 'answers' && { isAnswer: true }),
    server: item.server,
    item: item.args && item.args !== args ? Object.freeze({ ...item, args }) : item,
    caller,
    definition,
    call: { requestId, endpoint, client, method },
  };
}
