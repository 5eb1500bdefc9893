import { Injectable, Logger, Optional } from '@nestjs/common';
import { GatewayError } from '#lib/extension-kit';
import {
  GatewayCode,
  capabilityNames,
  capabilityOf,
  eraOfRevision,
  errorForEra,
  failure,
  isJsonObject,
  isListMethod,
  LIST_MEMBERS,
  canAnswerQuestions,
  canRequireInput,
  requiresInput,
  toFaultOutcome,
  result,
  RpcCode,
  toUrlElicitations,
  type Era,
  type JsonObject,
  type McpRequest,
  type Outcome,
} from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { CallTracer, whileServerWorks } from '../telemetry/index.js';
import type { UpstreamConnection, UpstreamRequest } from '../upstream/index.js';
import { isTaskResult, UNEXPECTED_TASK, withoutTasks, TaskExchanges, type TaskExchange } from './task-exchange.js';
import type { CallInfo, CallResult } from './parkable-call.js';
import { type StreamSink, QuestionWithdrawn, type Session } from '../session-pool/index.js';
import {
  BLOCKED_BY_QUESTION,
  withConnectionLogLevel,
  isNotRun,
  ServerHealth,
  toCallIdentity,
  type ConnectionScope,
  UpstreamPool,
} from '../connections/index.js';
import { INTERNAL_ERROR } from './calls.errors.js';
import { truncateLabel } from '../workers/index.js';
import { DeferredInterception, type ExecutedCall } from './call-interception.js';
import { HandledReply } from './call-messages.js';
import { PlainReply, SessionReply, type CallReply } from './call-replies.js';
import { passReplayableQuestions } from './passed-questions.js';
import { answerReplayableQuestions, toUnknownOutcome } from './replayable-questions.js';
import { ParkedCalls } from './parked-calls.js';
import { CallsConfig } from './calls.config.js';
import type { UpstreamCall } from './upstream-call.js';
import { TracedRequests } from './traced-requests.js';

/** Converts the outcome of a call in a session to the answer that its client receives. */
export type AnswerForm = (call: UpstreamCall, session: Session, outcome: Outcome) => Outcome | Promise<Outcome>;

/** Executes calls on the worker that holds their session or connection. */
@Injectable()
export class UpstreamCalls {
  private readonly logger = new Logger(UpstreamCalls.name);
  private toAnswer: AnswerForm = (_call, _session, outcome) => outcome;
  private readonly requests: TracedRequests;

  constructor(
    private readonly upstreams: UpstreamPool,
    private readonly config: CallsConfig,
    private readonly parked: ParkedCalls,
    private readonly health: ServerHealth,
    private readonly clock: Clock,
    @Optional() private readonly tasks?: TaskExchanges,
    @Optional() tracer?: CallTracer,
    @Optional() private readonly interception?: DeferredInterception,
  ) {
    this.requests = new TracedRequests(tracer);
  }

  /** Sets the form in which sessions record answers. Names and visibility are known only above this folder. */
  recordAnswersAs(toAnswer: AnswerForm): void {
    this.toAnswer = toAnswer;
  }

  /** Runs a call of a legacy session. A cancellation from the session ends it; a closed client connection does not. */
  async runInSession(session: Session, call: UpstreamCall, sink: StreamSink): Promise<Outcome> {
    session.touch();
    const open = session.beginCall(call.requestId, call.request.method, call.silent ? undefined : sink);
    let outcome = INTERNAL_ERROR;
    try {
      const { signal } = open;
      outcome = signal.aborted
        ? CANCELLED_BEFORE_START
        : await this.intercept(call, session, new SessionReply(session, open, call.progress), signal);
    } finally {
      // Finish the call whatever happened, or it would count as in flight forever.
      const recorded = open.stream?.isOpened ? await this.toRecorded(call, session, outcome) : outcome;
      const answer = open.finish(outcome, recorded);
      outcome = answer instanceof Promise ? await answer : answer;
    }
    return outcome;
  }

  /** Never rejects: what cannot be converted must not be recorded as it is. */
  private async toRecorded(call: UpstreamCall, session: Session, outcome: Outcome): Promise<Outcome> {
    try {
      return await this.toAnswer(call, session, outcome);
    } catch (cause) {
      this.logger.error('Failed to record an answer', cause instanceof Error ? cause.stack : String(cause));
      return INTERNAL_ERROR;
    }
  }

  /** Runs a call without a session. Aborting the signal cancels it. */
  async runWithoutSession(call: UpstreamCall, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    if (signal.aborted) return toFaultOutcome('aborted');
    return this.intercept(call, undefined, new PlainReply(sink, call.request.logLevel), signal);
  }

  /**
   * Runs a call without a session whose client answers questions by repeating the call. Aborting the signal cancels it,
   * unless its client has received questions and may return with the answers. Interceptors wrap all runs of such a call
   * (`RepeatedCalls`), not each of them.
   */
  async runParkable(call: UpstreamCall, sink: StreamSink, signal: AbortSignal): Promise<CallResult> {
    if (signal.aborted) return toFaultOutcome('aborted');
    if (!this.canAskLiveQuestions(call)) {
      return this.run(call, undefined, new PlainReply(sink, call.request.logLevel), signal);
    }
    const run = async (reply: CallReply, inner: AbortSignal): Promise<CallResult> => {
      const outcome = await this.run(call, undefined, reply, inner);
      const questions = toUrlQuestions(outcome, call);
      return questions ? { kind: 'asked', questions } : outcome;
    };
    const { logLevel, progressToken } = call.request;
    return this.parked.start(toCallInfo(call), run, { reply: new PlainReply(sink, logLevel), progressToken, signal });
  }

  private canAskLiveQuestions({ server, client, request }: UpstreamCall): boolean {
    if (!canRequireInput(request.method) || !canAnswerQuestions(client.capabilities)) return false;
    return this.upstreams.eraOf(server) !== 'modern';
  }

  /** Runs a call of a client that receives its outcome in one request, through the interceptors if there are any. */
  private intercept(
    call: UpstreamCall,
    session: Session | undefined,
    reply: CallReply,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const runIntercepted = this.interception?.find(call);
    if (!runIntercepted) return this.run(call, session, reply, signal);
    const executed: ExecutedCall = {
      call,
      endpoint: session?.start.endpoint ?? call.endpoint ?? '',
      signal,
      begun: 'not_executed',
      ...(session && { askClient: (question, inner) => reply.answerQuestion(question, inner) }),
      ...(call.request.progressToken !== undefined && { notify: (notification) => void reply.notify(notification) }),
    };
    return runIntercepted(executed, (each, inner) => this.run(each, session, reply, inner));
  }

  private async run(
    call: UpstreamCall,
    session: Session | undefined,
    reply: CallReply,
    signal: AbortSignal,
  ): Promise<Outcome> {
    if (!call.messages) return this.runAtServer(call, session, reply, signal);
    const handled = new HandledReply(reply, call.messages, signal);
    const outcome = await this.runAtServer(call, session, handled, handled.signal);
    if (handled.refused) return handled.refused.toOutcome();
    const { onOutcome } = call.messages;
    return onOutcome && isErrorOrQuestions(outcome, call) ? onOutcome(outcome, signal) : outcome;
  }

  private async runAtServer(
    call: UpstreamCall,
    session: Session | undefined,
    reply: CallReply,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const startedAt = this.clock.now();
    const outcome = await whileServerWorks(call.progress, () => this.attempt(call, session, reply, signal));
    const { slug } = call.server;
    this.health.record(slug, outcome, signal);
    // The worker that answers the client may be another one.
    if (call.progress && outcome.kind === 'error') call.progress.detail = this.health.detailSince(slug, startedAt);
    return outcome;
  }

  private async attempt(
    call: UpstreamCall,
    session: Session | undefined,
    reply: CallReply,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const scope: ConnectionScope = { caller: call.caller, client: call.client, session };
    const attempt = (isBlocked = false) =>
      this.upstreams.use(
        call.server,
        scope,
        async (connection) =>
          withServerEra(await this.exchange(connection, call, reply, session, signal), connection.profile.era),
        { signal, isBlocked },
      );
    try {
      let outcome = await attempt();
      // Nothing has run. A server that was restarted knows none of its sessions, and gets the call in a new one.
      if (isNotRun(outcome) && !signal.aborted) outcome = await attempt();
      // The connection may be blocked again by the time at which it is acquired.
      for (let moves = 0; outcome === BLOCKED_BY_QUESTION && moves < MAX_MOVES && !signal.aborted; moves += 1)
        outcome = await attempt(true);
      return outcome;
    } catch (cause) {
      return toOutcome(cause);
    }
  }

  private async exchange(
    connection: UpstreamConnection,
    call: UpstreamCall,
    reply: CallReply,
    session: Session | undefined,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { era, capabilities } = connection.profile;
    const emptyList = call.silent && toEmptyListResult(call.request.method, capabilities);
    if (emptyList) return emptyList;
    const tasks = this.openTasks(era, call, session);
    const permitted = tasks ? tasks.toServer(call) : withoutTasks(call);
    if ('kind' in permitted) return permitted;
    const request = withConnectionLogLevel(connection, toUpstreamRequest(era, permitted, session));
    reply.useConnection(connection);
    call.progress?.reach(connection.profile);
    const received = await this.requests.send(
      connection,
      call.server,
      request,
      tasks?.toClientReply(reply) ?? reply,
      signal,
    );
    if (!tasks && era === 'modern' && isTaskResult(received)) return UNEXPECTED_TASK;
    const outcome = tasks ? await tasks.toClient(call, received) : received;
    if (isNotRun(outcome) || outcome === BLOCKED_BY_QUESTION) return outcome;
    if (call.clientRepeatsCall && reply.undeclaredCapabilities && isServerFailure(outcome))
      return toMissingCapability(reply.undeclaredCapabilities);
    if (outcome.kind === 'error') return withClientErrorCodes(outcome, era, call);
    if (era === 'legacy' && call.clientRepeatsCall) return withoutType(outcome);
    // In a legacy server's result `resultType` has no meaning: repeating the call would execute it twice.
    const wantsInput = era === 'modern' && requiresInput(outcome.result);
    if (!wantsInput || (call.clientRepeatsCall && !call.messages?.onQuestion)) return outcome;
    const last = await this.continueWithAnswers(connection, call, request, outcome, reply, signal);
    return last.kind === 'error' ? this.reportInterruptedCall(call, withClientErrorCodes(last, era, call)) : last;
  }

  /** Repeats the call with the answers to the server's questions, unless its client repeats it. */
  private continueWithAnswers(
    connection: UpstreamConnection,
    call: UpstreamCall,
    request: UpstreamRequest,
    required: ExecutedResult,
    reply: CallReply,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const send = (repeated: UpstreamRequest) => this.requests.send(connection, call.server, repeated, reply, signal);
    const limits = this.roundLimits(call);
    const onQuestion = call.clientRepeatsCall ? call.messages?.onQuestion : undefined;
    if (onQuestion) return passReplayableQuestions(send, request, required, onQuestion, signal, limits);
    const asked = this.requests.traceQuestions(reply, call.server, request);
    return answerReplayableQuestions(send, request, required.result, asked, signal, limits);
  }

  /** Undefined where tasks do not pass: the eras have different ones, and an interceptor would not see the result of a task. */
  private openTasks(era: Era, call: UpstreamCall, session: Session | undefined): TaskExchange | undefined {
    const { server, caller, client } = call;
    if (call.usesTasks !== true || eraOfRevision(client.revision) !== era) return undefined;
    if (this.interception?.find(call)) return undefined;
    return this.tasks?.open({ server, caller, session: session?.id });
  }

  private reportInterruptedCall({ server }: UpstreamCall, failed: FailedOutcome): Outcome {
    const reported = toUnknownOutcome(failed);
    // The original error would mislead the client, but operators need its code. Its message may quote what guardrails withhold.
    if (reported !== failed)
      this.logger.warn(
        `Server ${server.slug}: a call could not continue after its questions (error ${failed.error.code}).`,
      );
    return reported;
  }

  private roundLimits({ server: { slug: server, timeouts } }: UpstreamCall) {
    const { maxQuestionRounds: maxRounds } = this.config;
    return { server, maxRounds, requestMs: timeouts.requestMs, clock: this.clock };
  }
}

type FailedOutcome = Extract<Outcome, { kind: 'error' }>;
type ExecutedResult = Extract<Outcome, { kind: 'result' }>;

/** How often a call moves to another connection because the question of another client blocks the one it has. */
const MAX_MOVES = 8;

const CANCELLED_BEFORE_START = toFaultOutcome('refused', 'cancelled before it was sent');

const GATEWAY_CODES: ReadonlySet<number> = new Set(Object.values(GatewayCode));

/** Returns an empty list if the server does not declare the capability, so that it need not be queried. */
function toEmptyListResult(method: string, capabilities: JsonObject): Outcome | undefined {
  const capability = capabilityOf(method);
  if (!isListMethod(method) || capability === undefined || capabilities[capability]) return undefined;
  return result({ [LIST_MEMBERS[method]]: [] });
}

function toUpstreamRequest(era: Era, call: UpstreamCall, session: Session | undefined): UpstreamRequest {
  const { request, client, caller, parameterHeaders } = call;
  const asker = toCallIdentity({ session, caller });
  const logLevel = request.logLevel ?? session?.logLevel;
  const acceptsUnknown = call.server.allowUnknownMethods && mayReceiveUnknown(call, session);
  return {
    ...(era === 'legacy' && call.clientRepeatsCall ? withoutAnswers(request) : request),
    client,
    ...(asker !== undefined && { asker }),
    ...(logLevel && { logLevel }),
    ...(parameterHeaders && { parameterHeaders }),
    ...(acceptsUnknown && { acceptsUnknown }),
  };
}

const mayReceiveUnknown = ({ server, acceptsUnknown = false }: UpstreamCall, session: Session | undefined): boolean =>
  session ? session.access.passesUnknownMethods(session, server.slug) : acceptsUnknown;

/** States in which era the server answered. The worker that answers the client may hold no connection to the server. */
const withServerEra = (outcome: Outcome, serverEra: Era): Outcome =>
  outcome.kind === 'result' ? { ...outcome, serverEra } : outcome;

/** Removes the answers to a modern server's questions, which have no meaning for a legacy server. */
function withoutAnswers(request: McpRequest): McpRequest {
  const { inputResponses, requestState, ...params } = request.params;
  return inputResponses === undefined && requestState === undefined ? request : { ...request, params };
}

/** Removes `resultType` from a legacy server's result, because a modern client would interpret it. */
function withoutType(outcome: Extract<Outcome, { kind: 'result' }>): Outcome {
  if (outcome.result['resultType'] === undefined) return outcome;
  const { resultType: _type, ...rest } = outcome.result;
  return { ...outcome, result: rest };
}

/** True for a failure that the server reported. Errors of the gateway, such as an unknown outcome, stay as they are. */
function isServerFailure(outcome: Outcome): boolean {
  if (outcome.kind === 'result') return outcome.result['isError'] === true;
  return !GATEWAY_CODES.has(outcome.error.code);
}

/** True for an error of the server, and for its questions to a client that repeats its call. Errors of the gateway have an HTTP status. */
function isErrorOrQuestions(outcome: Outcome, { clientRepeatsCall }: UpstreamCall): boolean {
  if (outcome.kind === 'error') return outcome.httpStatus === undefined;
  return clientRepeatsCall && requiresInput(outcome.result);
}

/** The server failed after its question was rejected, because the client had not declared the capability for it. */
function toMissingCapability(requiredCapabilities: JsonObject): Outcome {
  const names = capabilityNames(requiredCapabilities).join(', ');
  const message = `The call needs a capability that the client did not declare: ${names}.`;
  return failure({ code: RpcCode.missingClientCapability, message, data: { requiredCapabilities } });
}

function toUrlQuestions(outcome: Outcome, { client, clientRepeatsCall }: UpstreamCall) {
  const { elicitation } = client.capabilities;
  const canVisit = clientRepeatsCall && isJsonObject(elicitation) && isJsonObject(elicitation['url']);
  return canVisit && outcome.kind === 'error' ? toUrlElicitations(outcome.error) : undefined;
}

function toCallInfo({ server, request, caller }: UpstreamCall): CallInfo {
  const { name, uri } = request.params;
  const item = [name, uri].find((text) => typeof text === 'string') ?? '';
  return { server: server.slug, method: request.method, item: truncateLabel(item), caller: caller.key };
}

/** Translates error codes that the client's era forbids; a server of the other era may use them. */
function withClientErrorCodes(failed: FailedOutcome, era: Era, call: UpstreamCall): FailedOutcome {
  // The client receives the URLs as questions instead.
  if (toUrlQuestions(failed, call)) return failed;
  const clientEra = eraOfRevision(call.client.revision) ?? 'legacy';
  return clientEra === era ? failed : { ...failed, error: errorForEra(failed.error, clientEra, call.request.method) };
}

/** Converts a failure to open a connection, or a rejection by the pool, to the client's outcome. */
function toOutcome(cause: unknown): Outcome {
  if (cause instanceof GatewayError) return cause.toOutcome();
  if (cause instanceof QuestionWithdrawn) return toFaultOutcome('aborted');
  throw cause;
}
