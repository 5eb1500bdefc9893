import { Injectable } from '@nestjs/common';
import type { JsonObject } from '#lib/mcp-protocol';
import { WorkerBus, type BusEnd } from '#lib/worker-bus';
import type { StreamEvent, StreamSink } from '../session-pool/index.js';
import {
  DELIVERY_MARGIN_MS,
  CoordinationUnavailable,
  OwnerUnreachable,
  toCallOutcome,
  WorkerId,
  WorkerRegistry,
} from '../workers/index.js';
import { PlainReply } from './call-replies.js';
import { ParkedCallLost } from './calls.errors.js';
import type { CallResult } from './parkable-call.js';
import { ParkedCalls } from './parked-calls.js';
import { ParkedPattern, readInputRequired, type ResumeOrder } from './parked-orders.js';
import type { ParkedState } from './request-states.js';
import type { UpstreamCall } from './upstream-call.js';
import { maximumOf } from '../connections/index.js';

/** Resumes a parked call, on this worker or on the worker that began it. */
@Injectable()
export class ParkedCallRouter {
  constructor(
    private readonly parkedCalls: ParkedCalls,
    private readonly workerId: WorkerId,
    private readonly workers: WorkerRegistry,
    private readonly bus: WorkerBus,
  ) {}

  /**
   * Passes the client's answers to the worker that parked the call, and waits for the result.
   * @throws ParkedCallLost, MalformedAnswer, OwnerUnreachable, CoordinationUnavailable
   */
  async resume(
    call: UpstreamCall,
    state: ParkedState,
    responses: JsonObject,
    sink: StreamSink,
    signal: AbortSignal,
  ): Promise<CallResult> {
    const { progressToken, logLevel } = call.request;
    if (state.worker !== this.workerId.text) return this.resumeRemote(call, state, responses, sink, signal);
    // A worker that was paused may have been declared dead meanwhile, and its clients informed that their calls are
    // lost.
    await this.workers.checkOwnLiveness();
    const listener = { reply: new PlainReply(sink, logLevel), progressToken, signal };
    return this.parkedCalls.resume(state.call, call.caller.key, responses, listener);
  }

  private async resumeRemote(
    { caller, server, request }: UpstreamCall,
    { worker, call }: ParkedState,
    responses: JsonObject,
    sink: StreamSink,
    signal: AbortSignal,
  ): Promise<CallResult> {
    const status = await this.workers.status(worker).catch(throwUnavailable);
    if (status === 'dead') throw new ParkedCallLost();
    if (status === 'unknown') throw new OwnerUnreachable();
    const { progressToken, logLevel } = request;
    const payload: ResumeOrder = {
      call,
      caller: caller.key,
      responses,
      ...(progressToken !== undefined && { progressToken }),
      ...(logLevel && { logLevel }),
    };
    const { timeouts } = server;
    const callMs = progressToken === undefined ? timeouts.requestMs : maximumOf(timeouts);
    const order = {
      to: worker,
      pattern: ParkedPattern.resume,
      payload,
      budgetMs: timeouts.connectMs + callMs + DELIVERY_MARGIN_MS,
    };
    const exchange = this.bus.request(order, (event) => sink.emit(event as StreamEvent));
    const cancel = () => exchange.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    return toEnding(await exchange.end.finally(() => signal.removeEventListener('abort', cancel)));
  }
}

function toEnding(end: BusEnd): CallResult {
  return (end.kind === 'value' && readInputRequired(end.value)) || toCallOutcome(end);
}

function throwUnavailable(): never {
  throw new CoordinationUnavailable();
}
