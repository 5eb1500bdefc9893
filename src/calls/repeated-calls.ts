import { Injectable } from '@nestjs/common';
import { isJsonObject, outcomeOfFault, result, type JsonObject, type JsonValue, type Outcome } from '#lib/mcp-protocol';
import { SessionPoolConfig, type StreamSink } from '../session-pool/index.js';
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

/** A server's own state says itself how long it is good; this bounds what nobody comes back for. */
const SERVER_STATE_TTL_MS = 60 * 60_000;

/**
 * Runs the calls of clients that answer questions by repeating the call (specification of 2026: basic/patterns/mrtr),
 * whichever worker a repetition arrives at. A modern server's state travels sealed inside ours and needs no worker; a call
 * that is under way at a legacy server is parked at the worker that began it, and its state names that one.
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
   * What a repetition goes on with at a server that waits for it. Undefined for any other request.
   * @throws RequestStateExpired when the client comes too late
   */
  findParkedState(binding: StateBinding): ParkedState | undefined {
    const { requestState } = binding.request.params;
    const read = requestState === undefined ? undefined : this.states.read(requestState, binding);
    if (read?.state.kind !== 'parked') return undefined;
    if (read.isExpired) throw new RequestStateExpired('unknown');
    return read.state;
  }

  /**
   * Cancels a parked call whose client may not go on with it; one that is over is over.
   * @throws OwnerUnreachable, CoordinationUnavailable while that cannot be done
   */
  async cancelParked({ worker, call }: ParkedState): Promise<void> {
    await this.directory.cancel(worker, call);
  }

  /**
   * @param binding the client's own request
   * @param parked what was found in it, if it was looked at before
   * @throws InvalidRequestState, RequestStateExpired, MalformedInputResponses and others: nothing has reached a server then
   * @throws ParkedCallLost when the worker that had the call is gone
   */
  async deliver(
    call: UpstreamCall,
    binding: StateBinding,
    sink: StreamSink,
    signal: AbortSignal,
    parked?: ParkedState,
  ): Promise<Outcome> {
    if (signal.aborted) return outcomeOfFault('aborted');
    const state = parked ?? this.readState(binding);
    const ending = await this.runCall(call, state, sink, signal);
    if (ending.kind === 'asked') return this.toInputRequired(ending, binding, call, state);
    return this.sealServerState(ending, binding);
  }

  /** What the client has brought back; undefined for a call that is new. */
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
      case 'anew':
        return this.runAfterElicitation(call, state.questions, responses, sink, signal);
      case 'parked':
        return this.parkedCalls.resume(call, state, responses, sink, signal);
    }
  }

  /** The server has refused the call until these visits are made. */
  private runAfterElicitation(
    call: UpstreamCall,
    questions: InputRequired['questions'],
    responses: JsonObject,
    sink: StreamSink,
    signal: AbortSignal,
  ): CallResult | Promise<CallResult> {
    const missing = Object.entries(questions).filter(([key]) => !isJsonObject(responses[key]));
    if (missing.length > 0) return { kind: 'asked', questions: Object.fromEntries(missing) };
    const isRefused = Object.keys(questions).some((key) => (responses[key] as JsonObject)['action'] !== 'accept');
    if (isRefused) throw new UrlElicitationDeclined(call.server.slug);
    return this.calls.runParkable(call, sink, signal);
  }

  private sealServerState(outcome: Outcome, binding: StateBinding): Outcome {
    if (outcome.kind === 'error' || outcome.result['resultType'] !== 'input_required') return outcome;
    const { requestState: own } = outcome.result;
    if (typeof own !== 'string') return outcome;
    const requestState = this.states.mint({ kind: 'server', state: own }, binding, SERVER_STATE_TTL_MS);
    return { ...outcome, result: { ...outcome.result, requestState } };
  }

  /** Questions come with the state that the client has to bring back with their answers. */
  private toInputRequired(
    { questions, parked }: InputRequired,
    binding: StateBinding,
    { server }: UpstreamCall,
    before: RequestState | undefined,
  ): Outcome {
    const { questionTimeoutMs: questionMs } = this.config;
    const worker = before?.kind === 'parked' ? before.worker : this.workerId.text;
    const requestState =
      parked === undefined
        ? this.states.mint({ kind: 'anew', questions }, binding, questionMs)
        : this.states.mint({ kind: 'parked', worker, call: parked }, binding, computeStateTtlMs(server, questionMs));
    return result({
      resultType: 'input_required',
      inputRequests: questions as unknown as JsonObject,
      requestState,
    });
  }
}

/**
 * The worker that has the call knows how long it waits, and what became of it: the state lasts as long as a client may
 * take to answer, the server to go on, and the outcome to be fetched.
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
