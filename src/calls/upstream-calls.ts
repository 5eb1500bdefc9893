import { Injectable, Logger, Optional } from '@nestjs/common';
import { GatewayError, type Caller } from '#lib/extension-kit';
import {
  GatewayCode,
  capabilityNames,
  capabilityOf,
  cleanDetail,
  eraOfRevision,
  errorForEra,
  failure,
  isJsonObject,
  isListMethod,
  LIST_MEMBERS,
  canAnswerQuestions,
  canRequireInput,
  toFaultOutcome,
  result,
  RpcCode,
  toUrlElicitations,
  type ClientProfile,
  type Era,
  type JsonObject,
  type McpRequest,
  type Outcome,
  type RequestId,
} from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import type { ServerDefinition } from '../registry/index.js';
import { CallTracer, whileServerWorks, withTraceparent, type CallProgress } from '../telemetry/index.js';
import type { UpstreamConnection, UpstreamReply, UpstreamRequest } from '../upstream/index.js';
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
import { PlainReply, SessionReply, type CallReply } from './call-replies.js';
import { answerReplayableQuestions, toUnknownOutcome } from './replayable-questions.js';
import { ParkedCalls } from './parked-calls.js';
import { CallsConfig } from './calls.config.js';

/** One request to one server, under the item's own name there. */
export interface UpstreamCall {
  readonly server: ServerDefinition;
  readonly request: McpRequest;
  readonly parameterHeaders?: Readonly<Record<string, string | number | boolean>>;
  readonly caller: Caller;
  readonly client: ClientProfile;
  /** The client's own request id, which its answer and its cancellation carry. */
  readonly requestId: RequestId;
  /** True if the client itself answers `input_required` by repeating the call. */
  readonly clientRepeatsCall: boolean;
  /** True if no event may precede the outcome: the call is one part of a list that is merged from several servers. */
  readonly silent?: boolean;
  /** True if the client may use tasks at the server. */
  readonly usesTasks?: boolean;
  /** Receives where the call is. Absent: the call belongs to no request of a client. */
  readonly progress?: CallProgress | undefined;
}

/** Executes calls on the worker that holds their session or connection. */
@Injectable()
export class UpstreamCalls {
  private readonly logger = new Logger(UpstreamCalls.name);

  constructor(
    private readonly upstreams: UpstreamPool,
    private readonly config: CallsConfig,
    private readonly parked: ParkedCalls,
    private readonly health: ServerHealth,
    private readonly clock: Clock,
    @Optional() private readonly tasks?: TaskExchanges,
    @Optional() private readonly tracer?: CallTracer,
  ) {}

  /** Runs a call of a legacy session. A cancellation from the session ends it; a closed client connection does not. */
  async runInSession(session: Session, call: UpstreamCall, sink: StreamSink): Promise<Outcome> {
    session.touch();
    const open = session.beginCall(call.requestId, call.request.method, call.silent ? undefined : sink);
    let outcome = INTERNAL_ERROR;
    try {
      const { signal } = open;
      outcome = signal.aborted
        ? CANCELLED_BEFORE_START
        : await this.run(call, session, new SessionReply(session, open, call.progress), signal);
    } finally {
      // Finish the call whatever happened, or it would count as in flight forever.
      const answer = open.finish(outcome);
      outcome = answer instanceof Promise ? await answer : answer;
    }
    return outcome;
  }

  /** Runs a call without a session. Aborting the signal cancels it. */
  async runWithoutSession(call: UpstreamCall, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    if (signal.aborted) return toFaultOutcome('aborted');
    return this.run(call, undefined, new PlainReply(sink, call.request.logLevel), signal);
  }

  /**
   * Runs a call without a session whose client answers questions by repeating the call. Aborting the signal cancels it,
   * unless its client has received questions and may return with the answers.
   */
  async runParkable(call: UpstreamCall, sink: StreamSink, signal: AbortSignal): Promise<CallResult> {
    if (!this.canAskLiveQuestions(call)) return this.runWithoutSession(call, sink, signal);
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

  private async run(
    call: UpstreamCall,
    session: Session | undefined,
    reply: CallReply,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const outcome = await whileServerWorks(call.progress, () => this.attempt(call, session, reply, signal));
    const { slug } = call.server;
    this.health.record(slug, outcome, signal);
    // The worker that answers the client may be another one.
    if (call.progress && outcome.kind === 'error') call.progress.detail = this.health.get(slug).detail;
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
      this.upstreams.use(call.server, scope, (connection) => this.exchange(connection, call, reply, session, signal), {
        signal,
        isBlocked,
      });
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
    reply.connection = connection;
    call.progress?.reach(connection.profile);
    const received = await this.send(connection, call, request, tasks?.toClientReply(reply) ?? reply, signal);
    if (!tasks && era === 'modern' && isTaskResult(received)) return UNEXPECTED_TASK;
    const outcome = tasks ? await tasks.toClient(call, received) : received;
    if (isNotRun(outcome) || outcome === BLOCKED_BY_QUESTION) return outcome;
    if (call.clientRepeatsCall && reply.undeclaredCapabilities && isServerFailure(outcome))
      return toMissingCapability(reply.undeclaredCapabilities);
    if (outcome.kind === 'error') return withClientErrorCodes(outcome, era, call);
    if (era === 'legacy' && call.clientRepeatsCall) return withoutType(outcome);
    // In a legacy server's result `resultType` has no meaning: repeating the call would execute it twice.
    const wantsInput = era === 'modern' && outcome.result['resultType'] === 'input_required';
    if (!wantsInput || call.clientRepeatsCall) return outcome;
    const last = await answerReplayableQuestions(
      connection,
      request,
      outcome.result,
      reply,
      signal,
      this.roundLimits(call),
    );
    return last.kind === 'error' ? this.reportInterruptedCall(call, withClientErrorCodes(last, era, call)) : last;
  }

  private async send(
    connection: UpstreamConnection,
    { server }: UpstreamCall,
    request: UpstreamRequest,
    reply: UpstreamReply,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const span = this.tracer?.startServerRequest(server.slug, request);
    if (!span) return connection.request(request, reply, signal);
    let outcome = INTERNAL_ERROR;
    try {
      outcome = await connection.request(withTraceparent(request, span.traceparent), reply, signal);
    } finally {
      span.end(outcome);
    }
    return outcome;
  }

  /** Undefined where tasks do not pass: the eras have different ones. */
  private openTasks(era: Era, call: UpstreamCall, session: Session | undefined): TaskExchange | undefined {
    const { server, caller, client } = call;
    if (call.usesTasks !== true || eraOfRevision(client.revision) !== era) return undefined;
    return this.tasks?.open({ server, caller, session: session?.id });
  }

  private reportInterruptedCall({ server }: UpstreamCall, failed: FailedOutcome): Outcome {
    const reported = toUnknownOutcome(failed);
    // The original message would mislead the client, but operators need it.
    if (reported !== failed)
      this.logger.warn(
        cleanDetail(`Server ${server.slug}: a call could not continue after its questions: ${failed.error.message}`),
      );
    return reported;
  }

  private roundLimits({ server: { slug: server, timeouts } }: UpstreamCall) {
    const { maxQuestionRounds: maxRounds } = this.config;
    return { server, maxRounds, requestMs: timeouts.requestMs, clock: this.clock };
  }
}

type FailedOutcome = Extract<Outcome, { kind: 'error' }>;

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
  return {
    ...(era === 'legacy' && call.clientRepeatsCall ? withoutAnswers(request) : request),
    client,
    ...(asker !== undefined && { asker }),
    ...(logLevel && { logLevel }),
    ...(parameterHeaders && { parameterHeaders }),
  };
}

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
