import { isDeepStrictEqual } from 'node:util';
import { Logger } from '@nestjs/common';
import {
  GatewayError,
  OutcomeError,
  type AdminQuestion,
  type CallerQuestion,
  type InterceptedCall,
} from '#lib/extension-kit';
import {
  cleanDetail,
  failure,
  requiresInput,
  result,
  RpcCode,
  type ExecutionOutcome,
  type JsonObject,
  type Outcome,
} from '#lib/mcp-protocol';
import { createLinkedController, type Clock } from '#lib/time';
import type { ExecuteCall, UpstreamCall } from '../calls/index.js';
import type { Readmission } from '../dispatch/index.js';
import { readArguments, withArguments } from './call-arguments.js';
import type { RegisteredInterceptor } from './call-interceptors.js';
import { CallRun } from './call-run.js';
import { AdminQuestions, type AdminPorts } from './admin-questions.js';
import { CallerQuestions } from './caller-questions.js';
import { executionOf } from './execution-of.js';
import { toInterceptedCall, type Asking, type CallSubject } from './intercepted-call.js';
import { callCancelled, extensionFailed, InputRequested, Misuse, toError, toRefusal } from './interception.errors.js';
import { InterceptedMessages, seesMessages, type MessageInterceptor, type Waiter } from './intercepted-messages.js';
import type { InterceptorEnd, InterceptorFailure } from './interceptor-run.js';
import { freezeDeeply } from './json-copy.js';
import type { Asker } from './question-key.js';

/** What the executions of a worker share. */
export interface ExecutionParts {
  readonly clock: Clock;
  readonly readmission: Readmission;
  /** Own time of an interceptor that states none, in milliseconds. */
  readonly deadlineMs: number;
  readonly admins: AdminPorts;
}

type ExecutedResult = Extract<Outcome, { kind: 'result' }>;

/** One request through its interceptors. Knows at every moment whether the call has run at its server. */
export class InterceptedExecution {
  private readonly logger = new Logger('Interceptors');
  private readonly control: AbortController;
  private readonly questions: CallerQuestions;
  private readonly messageInterceptors: MessageInterceptor[] = [];
  private executed: ExecutionOutcome;
  private served: ExecutedResult | undefined;
  private inputRequired: Outcome | undefined;

  constructor(
    private readonly parts: ExecutionParts,
    private readonly interceptors: readonly RegisteredInterceptor[],
    private readonly subject: CallSubject,
    private readonly execute: ExecuteCall,
  ) {
    const { executed } = subject;
    this.executed = executed.begun;
    this.control = createLinkedController(executed.signal);
    this.questions = new CallerQuestions(executed, parts.admins, new AdminQuestions(subject, parts.admins));
  }

  /** Returns what the client receives. */
  run(): Promise<Outcome> {
    return this.enter(0, this.call).then(
      (value) => this.end(this.toOutcome(value)),
      (cause: unknown) => {
        if (cause instanceof GatewayError) return this.end(cause.toOutcome());
        throw cause;
      },
    );
  }

  /** Questions end the request, whatever interceptors made of it. */
  private end(outcome: Outcome): Outcome {
    return this.inputRequired ?? this.toEnding() ?? outcome;
  }

  private get signal(): AbortSignal {
    return this.control.signal;
  }

  /** Questions of interceptors, or an answer that cannot be used, end the request whatever interceptors made of it. */
  private toEnding(): Outcome | undefined {
    const { ending } = this.questions;
    if (ending?.kind !== 'error') return ending;
    // An answer that was used before may have executed the call in another request.
    const stated = executionOf(ending);
    const executed = stated === 'not_executed' ? this.executed : stated;
    return toRefusal(toError(ending), executed)?.toOutcome() ?? ending;
  }

  private get call(): UpstreamCall {
    return this.subject.executed.call;
  }

  private toOutcome(value: JsonObject): Outcome {
    if (this.served?.result === value) return this.served;
    const { progress } = this.call;
    if (progress && this.executed !== 'executed') progress.executed = this.executed;
    return this.served ? { ...this.served, result: value } : result(value);
  }

  /** Passes the call to an interceptor, or to the server after the last one. Rejects with the failure of the call. */
  private enter(index: number, call: UpstreamCall): Promise<JsonObject> {
    const interceptor = this.interceptors[index];
    if (!interceptor) return this.send(call);
    this.registerForMessages(interceptor, call);
    const run = new CallRun(interceptor, {
      clock: this.parts.clock,
      deadlineMs: this.deadlineOf(interceptor),
      proceed: (args) =>
        args === undefined
          ? this.enter(index + 1, call)
          : this.change(interceptor, call, args).then((changed) => this.enter(index + 1, changed)),
    });
    const toSignal = (): AbortSignal => AbortSignal.any([this.signal, run.signal]);
    // Chained by hand: an interceptor is on the path of every call, and each hop costs.
    return run.start(this.toView(interceptor, call, toSignal, run)).then((end) => this.leave(index, call, run, end));
  }

  /** Returns the result with which an interceptor has ended. Rejects with the failure of the call. */
  private leave(
    index: number,
    call: UpstreamCall,
    run: CallRun,
    end: InterceptorEnd<JsonObject>,
  ): JsonObject | Promise<JsonObject> {
    const { interceptor } = run;
    // What the interceptor does not wait for would run on without anyone who receives its outcome.
    if (run.isPending) this.control.abort();
    const isPassable = end.kind === 'broken' && interceptor.options.onFailure === 'pass' && !run.hasPassedOn;
    if (!isPassable) return this.conclude(interceptor, end);
    this.report(interceptor, end.reason);
    return this.enter(index + 1, call);
  }

  /** What the server sends may arrive after this request, which then ended with a question: its signal says nothing about it. */
  private registerForMessages(interceptor: RegisteredInterceptor, call: UpstreamCall): void {
    if (!seesMessages(interceptor)) return;
    this.messageInterceptors.push({
      interceptor,
      deadlineMs: this.deadlineOf(interceptor),
      view: (toSignal, run) => this.toView(interceptor, call, toSignal, run),
      refuse: (ended, outcome) => this.refuse(interceptor, ended, outcome && this.executionAfter(outcome)),
      recordChange: () => this.call.progress?.recordInterception('changed', interceptor.name),
    });
  }

  private deadlineOf({ options }: RegisteredInterceptor): number {
    return options.deadlineMs ?? this.parts.deadlineMs;
  }

  private toView(
    interceptor: RegisteredInterceptor,
    { request }: UpstreamCall,
    toSignal: () => AbortSignal,
    waiter: Waiter | undefined,
  ): InterceptedCall {
    return toInterceptedCall(this.subject, readArguments(request), toSignal, (args) =>
      this.askFor({ interceptor, args }, toSignal, waiter),
    );
  }

  private askFor(asker: Asker, toSignal: () => AbortSignal, waiter: Waiter | undefined): Asking {
    const whileWaiting = <T>(ask: () => Promise<T>): Promise<T> => {
      if (!waiter) throw new Misuse('it asked about a notification, which cannot wait for an answer');
      return waiter.wait(ask);
    };
    const { questions } = this;
    return {
      ask: (question: CallerQuestion) => whileWaiting(() => questions.ask(asker, question, toSignal())),
      askAdmin: (question: AdminQuestion) => whileWaiting(() => questions.askAdmin(asker, question, toSignal())),
    };
  }

  private conclude(interceptor: RegisteredInterceptor, end: InterceptorEnd<JsonObject>): JsonObject {
    if (end.kind === 'failed below') throw end.cause;
    if (end.kind !== 'returned') throw this.refuse(interceptor, end);
    if (end.as !== 'passed') this.call.progress?.recordInterception(end.as, interceptor.name);
    return freezeDeeply(end.value);
  }

  /** Records how an interceptor ended the call, and returns the error of the call. */
  private refuse(
    interceptor: RegisteredInterceptor,
    ended: InterceptorFailure,
    executed: ExecutionOutcome = this.executed,
  ): OutcomeError {
    if (ended.kind === 'broken') return this.fail(interceptor, ended.reason, executed);
    const refusal = toRefusal(ended.refusal, executed);
    if (!refusal) return this.fail(interceptor, 'its error has no form as an answer', executed);
    this.call.progress?.recordInterception('refused', interceptor.name);
    return refusal;
  }

  private fail(
    interceptor: RegisteredInterceptor,
    reason: string,
    executed: ExecutionOutcome = this.executed,
  ): OutcomeError {
    this.report(interceptor, reason);
    return extensionFailed(interceptor.name, executed);
  }

  /** Whether the call has run once its server has answered with an error or with questions. It may have begun in an earlier request. */
  private executionAfter(outcome: Outcome): ExecutionOutcome {
    if (outcome.kind === 'result') return 'unknown';
    const stated = executionOf(outcome);
    return stated === 'not_executed' ? this.subject.executed.begun : stated;
  }

  private report({ name, module }: RegisteredInterceptor, reason: string): void {
    this.call.progress?.recordInterception('failed', name);
    const { requestId, item } = this.subject;
    const where = `${this.call.request.method} at server ${item.server.slug} (request ${requestId})`;
    this.logger.error(cleanDetail(`${name} of ${module} failed in ${where}: ${reason}`));
  }

  /** Returns the call with the changes of an interceptor. Changed arguments are admitted like those of the client. */
  private async change({ name }: RegisteredInterceptor, call: UpstreamCall, args: JsonObject): Promise<UpstreamCall> {
    if (isDeepStrictEqual(args, readArguments(call.request))) return call;
    const request = withArguments(call.request, freezeDeeply(args));
    this.call.progress?.recordInterception('changed', name);
    return this.parts.readmission.admitChanged({ ...this.subject.executed, call: { ...call, request } });
  }

  /** Executes the call at its server. A failure to do so is the outcome of the call, too. */
  private async send(call: UpstreamCall): Promise<JsonObject> {
    this.checkSendable();
    // The caller may have lost access while it was asked.
    if (this.questions.hasAsked) this.parts.readmission.checkAccess({ ...this.subject.executed, call });
    this.executed = 'unknown';
    const outcome = this.toTrue(
      await this.execute(this.withMessages(call), this.signal).catch((cause: unknown) => this.toFailure(cause)),
    );
    this.executed = executionOf(outcome);
    if (outcome.kind === 'error') throw toError(outcome);
    if (call.clientRepeatsCall && requiresInput(outcome.result)) {
      this.executed = 'unknown';
      this.inputRequired = outcome;
      throw new InputRequested();
    }
    this.served = outcome;
    return freezeDeeply(outcome.result);
  }

  private withMessages(call: UpstreamCall): UpstreamCall {
    if (this.messageInterceptors.length === 0) return call;
    return { ...call, messages: new InterceptedMessages(this.messageInterceptors, this.parts.clock) };
  }

  /** @throws GatewayError while a question is open, and once nobody would receive the outcome */
  private checkSendable(): void {
    const { asker } = this.questions;
    if (asker) throw this.fail(asker, 'the call was passed on while its question to the caller was open');
    this.questions.checkAnswered();
    if (this.signal.aborted) throw callCancelled(this.executed);
  }

  private toFailure(cause: unknown): Outcome {
    if (cause instanceof GatewayError) return cause.toOutcome();
    this.logger.error('Failed to execute a call', cause instanceof Error ? cause.stack : String(cause));
    const data = { outcome: 'unknown', retriable: false };
    return failure({ code: RpcCode.internalError, message: 'Internal error', data }, 500);
  }

  /** A call that a server had begun before is not "not executed", whatever is true of this request. */
  private toTrue(outcome: Outcome): Outcome {
    const { begun } = this.subject.executed;
    if (outcome.kind !== 'error' || executionOf(outcome) !== 'not_executed') return outcome;
    return begun === 'not_executed' ? outcome : (toRefusal(toError(outcome), begun)?.toOutcome() ?? outcome);
  }
}
