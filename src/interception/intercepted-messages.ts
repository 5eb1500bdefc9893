import { OutcomeError, type InterceptedCall } from '#lib/extension-kit';
import { isJsonObject, type Answer, type McpNotification, type Outcome, type Question } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { MessageRefused, type CallMessages } from '../calls/index.js';
import { NotJson, runAsExtension } from '../extensions/index.js';
import type { RegisteredInterceptor } from './call-interceptors.js';
import { ContractBroken } from './interception.errors.js';
import { toFailure, type InterceptorFailure } from './interceptor-run.js';
import { copyJsonObject, freezeDeeply } from './json-copy.js';
import { OutcomeInterceptor } from './outcome-interceptor.js';
import { QuestionRun } from './question-run.js';

/** What lets an interceptor wait for the caller. */
export interface Waiter {
  wait<T>(work: () => Promise<T>): Promise<T>;
}

/** An interceptor that sees what the server sends during a call. */
export interface MessageInterceptor {
  readonly interceptor: RegisteredInterceptor;
  readonly deadlineMs: number;
  /**
   * Returns the call as the interceptor has seen it.
   * @param waiter absent while the interceptor may not wait
   */
  view(toSignal: () => AbortSignal, waiter?: Waiter): InterceptedCall;
  /**
   * Reports a failure or a refusal, and returns the error of the call.
   * @param outcome with which the server has ended the call; absent while the call runs
   */
  refuse(failure: InterceptorFailure, outcome?: Outcome): OutcomeError;
  /** Records that the interceptor has changed the outcome. */
  recordChange(): void;
}

export const seesMessages = (interceptor: RegisteredInterceptor): boolean =>
  seesNotifications(interceptor) || seesQuestions(interceptor) || toOutcomeInterceptor(interceptor) !== undefined;

const seesNotifications = ({ instance }: RegisteredInterceptor): boolean => 'onNotification' in instance;

const seesQuestions = ({ instance }: RegisteredInterceptor): boolean => 'onQuestion' in instance;

const toOutcomeInterceptor = ({ instance }: RegisteredInterceptor): OutcomeInterceptor | undefined =>
  instance instanceof OutcomeInterceptor ? instance : undefined;

/** What a server sends during one call, through its interceptors: those nearest to the server see it first. */
export class InterceptedMessages implements CallMessages {
  readonly onNotification?: NonNullable<CallMessages['onNotification']>;
  readonly onQuestion?: NonNullable<CallMessages['onQuestion']>;
  readonly onOutcome?: NonNullable<CallMessages['onOutcome']>;

  /** @param interceptors in the order in which they saw the call */
  constructor(
    interceptors: readonly MessageInterceptor[],
    private readonly clock: Clock,
  ) {
    const nearestFirst = interceptors.toReversed();
    const watching = nearestFirst.filter(({ interceptor }) => seesNotifications(interceptor));
    const asked = nearestFirst.filter(({ interceptor }) => seesQuestions(interceptor));
    if (watching.length > 0) this.onNotification = (notification) => passNotification(watching, notification);
    if (asked.length > 0) this.onQuestion = (question, ask, signal) => this.passQuestion(asked, question, ask, signal);
    const examining = nearestFirst.flatMap((each) => {
      const instance = toOutcomeInterceptor(each.interceptor);
      return instance ? [[each, instance] as const] : [];
    });
    if (examining.length > 0) this.onOutcome = (outcome, signal) => passOutcome(examining, outcome, signal);
  }

  private async passQuestion(
    [first, ...others]: readonly MessageInterceptor[],
    question: Question,
    ask: (question: Question) => Promise<Answer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    if (!first) return ask(question);
    const run = new QuestionRun(first.interceptor, {
      clock: this.clock,
      deadlineMs: first.deadlineMs,
      proceed: async (passed) => freezeDeeply(await this.passQuestion(others, passed, ask, signal)),
    });
    const toSignal = (): AbortSignal => AbortSignal.any([signal, run.signal]);
    const end = await run.start(first.view(toSignal, run), freezeDeeply(question));
    if (end.kind === 'returned') return end.value;
    if (end.kind === 'failed below') throw end.cause;
    // What fails because nobody waits for the answer any more is no failure.
    if (signal.aborted) throw signal.reason;
    throw toRefused(first, end);
  }
}

async function passOutcome(
  interceptors: readonly (readonly [MessageInterceptor, OutcomeInterceptor])[],
  given: Outcome,
  signal: AbortSignal,
): Promise<Outcome> {
  let passed = freezeDeeply(given);
  for (const [each, instance] of interceptors) {
    try {
      const seen = await instance.onOutcome(
        each.view(() => signal, UNBOUNDED),
        passed,
      );
      if (seen !== passed) each.recordChange();
      passed = freezeDeeply(seen);
    } catch (cause) {
      return each.refuse(toFailure(cause), given).toOutcome();
    }
  }
  return passed;
}

function passNotification(
  interceptors: readonly MessageInterceptor[],
  notification: McpNotification,
): McpNotification | undefined {
  let passed = notification;
  for (const each of interceptors) {
    const next = passThrough(each, freezeDeeply(passed));
    if (!next) return undefined;
    passed = next;
  }
  return passed;
}

/** @throws MessageRefused */
function passThrough(each: MessageInterceptor, notification: McpNotification): McpNotification | undefined {
  const { instance, name } = each.interceptor;
  try {
    const call = each.view(toNeverAborted);
    const returned: unknown = runAsExtension(name, () => instance.onNotification?.(call, notification));
    return returned === notification ? notification : readNotification(returned, notification);
  } catch (cause) {
    throw toRefused(each, toMessageFailure(cause));
  }
}

/** A client knows the progress of its request by the token, so that it must stay. @throws ContractBroken, NotJson */
function readNotification(returned: unknown, { method, params }: McpNotification): McpNotification | undefined {
  if (returned === undefined) return undefined;
  const read = copyJsonObject(returned);
  const changed = read['params'];
  if (read['method'] !== method || !isJsonObject(changed) || changed['progressToken'] !== params['progressToken'])
    throw new ContractBroken('it returned no notification, or one with another method or progress token');
  return { method, params: changed };
}

function toMessageFailure(cause: unknown): InterceptorFailure {
  if (cause instanceof ContractBroken) return { kind: 'broken', reason: cause.message };
  if (cause instanceof NotJson) return { kind: 'broken', reason: `its notification ${cause.reason}` };
  return toFailure(cause);
}

const toRefused = (each: MessageInterceptor, failure: InterceptorFailure): MessageRefused =>
  new MessageRefused(each.refuse(failure).outcome);

/** The gateway's own interceptors bound their time themselves. */
const UNBOUNDED: Waiter = { wait: (work) => work() };

const { signal: NEVER_ABORTED } = new AbortController();
const toNeverAborted = (): AbortSignal => NEVER_ABORTED;
