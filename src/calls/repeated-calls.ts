import { Injectable } from '@nestjs/common';
import {
  isJsonObject,
  requiresInput,
  toFaultOutcome,
  result,
  type JsonObject,
  type JsonValue,
  type Outcome,
} from '#lib/mcp-protocol';
import { SessionPoolConfig, type StreamSink } from '../session-pool/index.js';
import { whileServerWorks, type CallProgress } from '../telemetry/index.js';
import {
  MalformedInputResponses,
  InvalidRequestState,
  RequestStateExpired,
  UrlElicitationDeclined,
} from './calls.errors.js';
import { InterceptorQuestions } from './interceptor-questions.js';
import { DeferredInterception, type ExecutedCall, type RunIntercepted } from './call-interception.js';
import type { UpstreamCall } from './upstream-call.js';
import { UpstreamCalls } from './upstream-calls.js';
import type { InputRequired, CallResult } from './parkable-call.js';
import { DELIVERY_MARGIN_MS, WorkerId } from '../workers/index.js';
import { ParkedDirectory } from './parked-directory.js';
import { ParkedCallRouter } from './parked-call-router.js';
import { toUnknownOutcome } from './replayable-questions.js';
import { ReplayedQuestions } from './replayed-questions.js';
import {
  RequestStates,
  serverStateOf,
  type ParkedState,
  type ReadState,
  type RequestState,
  type ServerState,
  type StateBinding,
} from './request-states.js';
import { SpentStates } from './spent-states.js';

/** A request, and what it continues. */
interface Repetition {
  readonly binding: StateBinding;
  /** Undefined for a new call. */
  readonly state: ServerState | undefined;
  /** Adds to the next state what interceptors need in the next repetition. */
  readonly wrap?: (next: ServerState | undefined) => RequestState | undefined;
}

/** A server's own state carries its own expiry; this bounds states that no client brings back. */
const SERVER_STATE_TTL_MS = 60 * 60_000;

/**
 * Runs the calls of clients that answer questions by repeating the call (specification of 2026: basic/patterns/mrtr),
 * on whichever worker a repetition arrives. A modern server's state is sealed inside the gateway's own state and is not
 * bound to a worker. A call in flight at a legacy server is parked on the worker that started it, and its state names
 * that worker.
 */
@Injectable()
export class RepeatedCalls {
  constructor(
    private readonly states: RequestStates,
    private readonly calls: UpstreamCalls,
    private readonly parkedCalls: ParkedCallRouter,
    private readonly directory: ParkedDirectory,
    private readonly workerId: WorkerId,
    private readonly config: SessionPoolConfig,
    private readonly questions: ReplayedQuestions,
    private readonly interception: DeferredInterception,
    private readonly spentStates: SpentStates,
  ) {}

  /**
   * Returns the parked call that this request continues, or undefined for any other request.
   * @throws RequestStateExpired when the state has expired
   */
  findParkedState(binding: StateBinding): ParkedState | undefined {
    const { requestState } = binding.request.params;
    const read = requestState === undefined ? undefined : this.states.read(requestState, binding);
    const state = serverStateOf(read?.state);
    if (state?.kind !== 'parked') return undefined;
    if (read?.isExpired) throw new RequestStateExpired('unknown');
    return state;
  }

  /**
   * Cancels a parked call whose client may not continue it. A call that has ended is not affected.
   * @throws OwnerUnreachable, CoordinationUnavailable while the call cannot be cancelled
   */
  async cancelParked({ worker, call }: ParkedState): Promise<void> {
    await this.directory.cancel(worker, call);
  }

  /**
   * @param binding the client's own request
   * @param parked the parked call of the request, if the caller has already read it
   * @throws InvalidRequestState, RequestStateExpired, MalformedInputResponses and others before anything reaches a
   * server
   * @throws ParkedCallLost when the worker that held the call is dead
   */
  async deliver(
    call: UpstreamCall,
    binding: StateBinding,
    sink: StreamSink,
    signal: AbortSignal,
    parked?: ParkedState,
  ): Promise<Outcome> {
    if (signal.aborted) return toFaultOutcome('aborted');
    const runIntercepted = this.interception.find(call);
    if (runIntercepted) return this.intercept(runIntercepted, call, binding, sink, signal);
    if (parked) return this.continueCall(call, { binding, state: parked }, sink, signal);
    const state = this.readState(binding)?.state;
    if (state?.kind !== 'interceptors') return this.continueCall(call, { binding, state }, sink, signal);
    // A worker of another version asked for an interceptor that this one does not have.
    const questions = this.openQuestions(call, binding);
    return this.continueCall(questions.toServer(call), { binding, state: questions.inner }, sink, signal);
  }

  private async intercept(
    runIntercepted: RunIntercepted,
    call: UpstreamCall,
    binding: StateBinding,
    sink: StreamSink,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const questions = this.openQuestions(call, binding);
    const { inner: state } = questions;
    let isContinued = false;
    const executed: ExecutedCall = {
      call,
      endpoint: binding.endpoint,
      signal,
      begun: hasBegun(state) ? 'unknown' : 'not_executed',
      repetition: {
        answerTo: (key) => questions.answerTo(key),
        awaitedAs: (key) => questions.awaitedAs(key),
        keepAnswer: (key, answer) => questions.keepAnswer(key, answer),
        serverAnswers: questions.serverAnswers,
        ask: ({ questions: asked, awaited, expiresAfterMs }) => {
          const next = questions.toAskedState(Object.keys(asked), awaited);
          return toQuestionsOutcome(asked, this.states.mint(next, binding, expiresAfterMs));
        },
      },
      ...(call.request.progressToken !== undefined && {
        notify: (notification) => void sink.emit({ kind: 'notification', notification }),
      }),
    };
    const outcome = await runIntercepted(executed, (each, inner) => {
      isContinued = true;
      const repetition = { binding, state, wrap: (next: ServerState | undefined) => questions.wrap(next) };
      return this.continueCall(questions.toServer(each), repetition, sink, inner);
    });
    // Its client has the outcome, and no other request can have continued the call with these answers.
    const hasEnded = outcome.kind === 'error' || !requiresInput(outcome.result);
    const isAbandoned = !isContinued && questions.hasSpent && !signal.aborted && hasEnded;
    if (isAbandoned && state?.kind === 'parked') await this.cancelParked(state).catch(() => undefined);
    if (mayRepeat(outcome)) await questions.restoreState();
    return outcome;
  }

  private openQuestions(call: UpstreamCall, binding: StateBinding): InterceptorQuestions {
    const read = this.readState(binding);
    const responses = readResponses(call.request.params['inputResponses']);
    return new InterceptorQuestions(read?.state, responses, this.spentStates, read?.leftMs ?? 0);
  }

  /** Runs or continues the call, and returns its outcome, or questions with the state for the next repetition. */
  private async continueCall(
    call: UpstreamCall,
    repetition: Repetition,
    sink: StreamSink,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const ending = await this.runCall(call, repetition.state, sink, signal);
    if (ending.kind === 'asked') return this.toInputRequired(ending, repetition, call);
    // A parked call that this request did not reach still waits, and may be continued by the next repetition.
    const outcome = repetition.state?.kind === 'server' ? toUnknownOutcome(ending) : ending;
    return this.sealServerState(outcome, repetition, call);
  }

  /** Reads the state that the client sent; undefined for a new call. */
  private readState(binding: StateBinding): ReadState | undefined {
    const { requestState } = binding.request.params;
    if (requestState === undefined) return undefined;
    const read = this.states.read(requestState, binding);
    if (!read) throw new InvalidRequestState();
    if (read.isExpired) throw new RequestStateExpired(hasBegun(serverStateOf(read.state)) ? 'unknown' : 'not_executed');
    return read;
  }

  private runCall(
    call: UpstreamCall,
    state: ServerState | undefined,
    sink: StreamSink,
    signal: AbortSignal,
  ): CallResult | Promise<CallResult> {
    const responses = readResponses(call.request.params['inputResponses']);
    if (state?.kind === 'server' || state?.kind === 'resend')
      this.questions.traceAnswered(state.asked, call.server.slug, responses, call.progress);
    switch (state?.kind) {
      case undefined:
        return this.calls.runParkable(call, sink, signal);
      case 'server':
        return this.calls.runParkable(withParams(call, { requestState: state.state }), sink, signal);
      case 'resend':
        return this.runAfterElicitation(call, state.questions, responses, sink, signal);
      case 'parked':
        return this.resume(call, state, responses, sink, signal);
    }
  }

  private resume(
    call: UpstreamCall,
    state: ParkedState,
    responses: JsonObject,
    sink: StreamSink,
    signal: AbortSignal,
  ): Promise<CallResult> {
    if (state.trace !== undefined) call.progress?.linkTrace(state.trace);
    call.progress?.continueParked(state.call, state.worker === this.workerId.text ? undefined : state.worker);
    return whileServerWorks(call.progress, () => this.parkedCalls.resume(call, state, responses, sink, signal));
  }

  /** The server refused the call until the user has opened these URLs. */
  private runAfterElicitation(
    call: UpstreamCall,
    questions: InputRequired['questions'],
    responses: JsonObject,
    sink: StreamSink,
    signal: AbortSignal,
  ): CallResult | Promise<CallResult> {
    const unanswered = Object.entries(questions).filter(([key]) => !isJsonObject(responses[key]));
    if (unanswered.length > 0) return { kind: 'asked', questions: Object.fromEntries(unanswered) };
    const isRefused = Object.keys(questions).some((key) => (responses[key] as JsonObject)['action'] !== 'accept');
    if (isRefused) throw new UrlElicitationDeclined(call.server.slug);
    return this.calls.runParkable(call, sink, signal);
  }

  private sealServerState(outcome: Outcome, repetition: Repetition, { server, progress }: UpstreamCall): Outcome {
    if (outcome.kind === 'error' || !requiresInput(outcome.result)) return outcome;
    const { requestState: serverState, inputRequests } = outcome.result;
    const asked = this.questions.describe(inputRequests, progress);
    if (typeof serverState !== 'string') {
      this.questions.traceSent(asked, server.slug);
      const carried = repetition.wrap?.(undefined);
      if (!carried) return outcome;
      const requestState = this.states.mint(carried, repetition.binding, SERVER_STATE_TTL_MS);
      return { ...outcome, result: { ...outcome.result, requestState } };
    }
    const state = { kind: 'server', state: serverState, ...(asked && { asked }) } as const;
    const requestState = this.mint(state, repetition, SERVER_STATE_TTL_MS);
    return { ...outcome, result: { ...outcome.result, requestState } };
  }

  /** Returns the questions with the state that the client must send back with its answers. */
  private toInputRequired(
    { questions, parked }: InputRequired,
    repetition: Repetition,
    { server, progress }: UpstreamCall,
  ): Outcome {
    const { questionTimeoutMs: questionMs } = this.config;
    if (progress) progress.parkedCall = parked;
    const requestState =
      parked === undefined
        ? this.mintResendState(questions, repetition, progress)
        : this.mint(
            this.toParkedState(parked, progress, repetition.state),
            repetition,
            computeStateTtlMs(server, questionMs),
          );
    return toQuestionsOutcome(questions, requestState);
  }

  /** Seals the state of the server, with the answers that interceptors have used. */
  private mint(state: ServerState, { binding, wrap }: Repetition, lifetimeMs: number): string {
    return this.states.mint(wrap?.(state) ?? state, binding, lifetimeMs);
  }

  private mintResendState(
    questions: InputRequired['questions'],
    repetition: Repetition,
    progress: CallProgress | undefined,
  ): string {
    const asked = this.questions.describe(questions as unknown as JsonObject, progress);
    const state = { kind: 'resend', questions, ...(asked && { asked }) } as const;
    return this.mint(state, repetition, this.config.questionTimeoutMs);
  }

  private toParkedState(
    call: string,
    progress: CallProgress | undefined,
    previous: ServerState | undefined,
  ): ParkedState {
    const first = previous?.kind === 'parked' ? previous : undefined;
    const trace = first ? first.trace : progress?.traceparent;
    const worker = first?.worker ?? this.workerId.text;
    return { kind: 'parked', worker, call, ...(trace !== undefined && { trace }) };
  }
}

/** True for an error that tells the client to send the same request again. */
function mayRepeat(outcome: Outcome): boolean {
  if (outcome.kind !== 'error' || !isJsonObject(outcome.error.data)) return false;
  const { outcome: executed, retriable } = outcome.error.data;
  return executed === 'not_executed' && retriable === true;
}

/** Without questions the state alone is sent back (specification of 2026: basic/patterns/mrtr). */
function toQuestionsOutcome(questions: InputRequired['questions'], requestState: string): Outcome {
  const asked = Object.keys(questions).length > 0 && { inputRequests: questions as unknown as JsonObject };
  return result({ resultType: 'input_required', ...asked, requestState });
}

/** Whether the server has run a part of the call. One that demanded a URL first has refused it. */
const hasBegun = (state: ServerState | undefined): boolean => state?.kind === 'parked' || state?.kind === 'server';

/**
 * The worker that holds the call knows how long it waits and how it ended. So the state must last as long as the client
 * may take to answer, the server to continue, and the client to fetch the outcome.
 */
const computeStateTtlMs = ({ timeouts }: UpstreamCall['server'], questionMs: number): number =>
  2 * questionMs + timeouts.requestMs + DELIVERY_MARGIN_MS;

/** @throws MalformedInputResponses */
function readResponses(value: JsonValue | undefined): JsonObject {
  if (value === undefined) return {};
  if (!isJsonObject(value)) throw new MalformedInputResponses();
  return value;
}

const withParams = (call: UpstreamCall, changed: JsonObject): UpstreamCall => ({
  ...call,
  request: { ...call.request, params: { ...call.request.params, ...changed } },
});
