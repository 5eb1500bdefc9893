import { Injectable } from '@nestjs/common';
import { isJsonObject, toFaultOutcome, result, type JsonObject, type JsonValue, type Outcome } from '#lib/mcp-protocol';
import { SessionPoolConfig, type StreamSink } from '../session-pool/index.js';
import { whileServerWorks } from '../telemetry/index.js';
import {
  MalformedInputResponses,
  InvalidRequestState,
  RequestStateExpired,
  UrlElicitationDeclined,
} from './calls.errors.js';
import { UpstreamCalls, type UpstreamCall } from './upstream-calls.js';
import type { InputRequired, CallResult } from './parkable-call.js';
import { DELIVERY_MARGIN_MS, WorkerId } from '../workers/index.js';
import { ParkedDirectory } from './parked-directory.js';
import { ParkedCallRouter } from './parked-call-router.js';
import { RequestStates, type ParkedState, type RequestState, type StateBinding } from './request-states.js';

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
  ) {}

  /**
   * Returns the parked call that this request continues, or undefined for any other request.
   * @throws RequestStateExpired when the state has expired
   */
  findParkedState(binding: StateBinding): ParkedState | undefined {
    const { requestState } = binding.request.params;
    const read = requestState === undefined ? undefined : this.states.read(requestState, binding);
    if (read?.state.kind !== 'parked') return undefined;
    if (read.isExpired) throw new RequestStateExpired('unknown');
    return read.state;
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
    const state = parked ?? this.readState(binding);
    const ending = await this.runCall(call, state, sink, signal);
    if (ending.kind === 'asked') return this.toInputRequired(ending, binding, call, state);
    return this.sealServerState(ending, binding);
  }

  /** Reads the state that the client sent; undefined for a new call. */
  private readState(binding: StateBinding): RequestState | undefined {
    const { requestState } = binding.request.params;
    if (requestState === undefined) return undefined;
    const read = this.states.read(requestState, binding);
    if (!read) throw new InvalidRequestState();
    if (read.isExpired) throw new RequestStateExpired(read.state.kind === 'parked' ? 'unknown' : 'not_executed');
    return read.state;
  }

  private runCall(
    call: UpstreamCall,
    state: RequestState | undefined,
    sink: StreamSink,
    signal: AbortSignal,
  ): CallResult | Promise<CallResult> {
    const responses = readResponses(call.request.params['inputResponses']);
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

  private sealServerState(outcome: Outcome, binding: StateBinding): Outcome {
    if (outcome.kind === 'error' || outcome.result['resultType'] !== 'input_required') return outcome;
    const { requestState: serverState } = outcome.result;
    if (typeof serverState !== 'string') return outcome;
    const requestState = this.states.mint({ kind: 'server', state: serverState }, binding, SERVER_STATE_TTL_MS);
    return { ...outcome, result: { ...outcome.result, requestState } };
  }

  /** Returns the questions with the state that the client must send back with its answers. */
  private toInputRequired(
    { questions, parked }: InputRequired,
    binding: StateBinding,
    { server, progress }: UpstreamCall,
    previous: RequestState | undefined,
  ): Outcome {
    const { questionTimeoutMs: questionMs } = this.config;
    const worker = previous?.kind === 'parked' ? previous.worker : this.workerId.text;
    if (progress) progress.parkedCall = parked;
    const trace = previous?.kind === 'parked' ? previous.trace : progress?.traceparent;
    const requestState =
      parked === undefined
        ? this.states.mint({ kind: 'resend', questions }, binding, questionMs)
        : this.states.mint(
            { kind: 'parked', worker, call: parked, ...(trace !== undefined && { trace }) },
            binding,
            computeStateTtlMs(server, questionMs),
          );
    return result({
      resultType: 'input_required',
      inputRequests: questions as unknown as JsonObject,
      requestState,
    });
  }
}

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
