import { Clock } from '#lib/time';
import { CallsConfig } from './calls.config.js';
import { Injectable } from '@nestjs/common';
import type { GatewayError } from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import {
  ParkableCall,
  type ParkedCallRegistry,
  type CallInfo,
  type CallResult,
  type CallWaiter,
} from './parkable-call.js';
import type { CallReply } from './call-replies.js';
import { InFlightCounter, SessionPoolConfig } from '../session-pool/index.js';
import { CallCancelled, ParkedCallLost, TooManyParkedCalls } from './calls.errors.js';

/** A parked call as administrators see it. */
export interface ParkedCallView extends CallInfo {
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly begunAt: number;
  /** Methods of the open questions. */
  readonly questions: readonly string[];
  /** Number of client requests that wait for the call. */
  readonly waiting: number;
}

interface FinishedCall {
  readonly caller: string;
  readonly result: CallResult;
  readonly size: number;
}

/** Estimated overhead of a finished call beside its result, in characters. */
const ENTRY_OVERHEAD = 1_000;
/** Maximum size of the results stored for clients whose connection broke, in characters, over all calls. */
const MAX_STORED_CHARACTERS = 16 * 1024 * 1024;

/**
 * The calls of this worker whose clients receive questions as the result of the call and answer by repeating it. A call
 * is parked from its first question to its end. Its result is stored for as long as its client may still request it.
 */
@Injectable()
export class ParkedCalls implements ParkedCallRegistry {
  private readonly parked = new Map<string, ParkableCall>();
  private readonly perCaller = new Map<string, number>();
  /** Finished calls with their results, oldest first. */
  private readonly finishedCalls = new Map<string, FinishedCall>();
  private storedCharacters = 0;
  private isClosed = false;
  private readonly resumedRequests = new InFlightCounter();

  constructor(
    private readonly config: CallsConfig,
    private readonly sessions: SessionPoolConfig,
    private readonly clock: Clock,
  ) {}

  /** Starts a call. Rejects as `run` does. */
  start(
    info: CallInfo,
    run: (reply: CallReply, signal: AbortSignal) => Promise<CallResult>,
    waiter: CallWaiter,
  ): Promise<CallResult> {
    return new ParkableCall(info, this, this.sessions.questionTimeoutMs, this.clock).begin(run, waiter);
  }

  /**
   * Resumes a call that its client has repeated.
   *
   * @param responses the client's answers, by the keys of the questions
   * @throws ParkedCallLost if this caller has no such call, or no longer
   * @throws MalformedAnswer
   */
  resume(id: string, caller: string, responses: JsonObject, waiter: CallWaiter): Promise<CallResult> {
    const finished = this.finishedCalls.get(id);
    if (finished?.caller === caller) return Promise.resolve(finished.result);
    const call = this.parked.get(id);
    if (call?.info.caller !== caller) throw new ParkedCallLost();
    call.answer(responses);
    const markDone = this.resumedRequests.add();
    return call.waitForResult(waiter).finally(markDone);
  }

  /** Number of calls that are parked now. */
  get size(): number {
    return this.parked.size;
  }

  /** Returns the calls that are parked now. */
  list(): ParkedCallView[] {
    return Array.from(this.parked.values(), (call) => {
      const { id, info, begunAt, questions, waiting } = call;
      return { id, ...info, begunAt, questions, waiting };
    });
  }

  /** Cancels a call at its server. Returns false if it is not parked, or no longer. */
  cancel(id: string): boolean {
    const call = this.parked.get(id);
    call?.cancel(new CallCancelled().toOutcome());
    return call !== undefined;
  }

  /** Cancels all calls and rejects new ones, because this worker shuts down or was declared dead. */
  cancelAll(): void {
    this.isClosed = true;
    for (const id of this.parked.keys()) this.cancel(id);
  }

  /** Resolves once no resumed request waits for a result. */
  whenIdle(): Promise<void> {
    return this.resumedRequests.whenIdle();
  }

  park(call: ParkableCall): void {
    if (this.parked.has(call.id)) return;
    if (this.isClosed) return this.reject(call, new CallCancelled());
    const { caller } = call.info;
    const count = this.perCaller.get(caller) ?? 0;
    const error = this.findLimitError(count);
    if (error) return this.reject(call, error);
    this.parked.set(call.id, call);
    this.perCaller.set(caller, count + 1);
  }

  onEnded(call: ParkableCall): void {
    if (!this.parked.delete(call.id)) return;
    const { caller } = call.info;
    const left = (this.perCaller.get(caller) ?? 1) - 1;
    if (left > 0) this.perCaller.set(caller, left);
    else this.perCaller.delete(caller);
    if (call.finalResult) this.store(call.id, caller, call.finalResult);
  }

  private reject(call: ParkableCall, error: GatewayError): never {
    call.cancel(error.toOutcome());
    throw error;
  }

  private findLimitError(count: number): TooManyParkedCalls | undefined {
    const { maxParkedCalls, maxParkedCallsPerPrincipal } = this.config;
    if (this.parked.size >= maxParkedCalls) return new TooManyParkedCalls('worker', maxParkedCalls);
    if (count >= maxParkedCallsPerPrincipal) return new TooManyParkedCalls('principal', maxParkedCallsPerPrincipal);
    return undefined;
  }

  private store(call: string, caller: string, result: CallResult): void {
    const size = JSON.stringify(result).length + ENTRY_OVERHEAD;
    this.finishedCalls.set(call, { caller, result, size });
    this.storedCharacters += size;
    this.clock.after(this.sessions.questionTimeoutMs, () => this.evict(call));
    for (const id of this.finishedCalls.keys()) {
      if (this.storedCharacters <= MAX_STORED_CHARACTERS) break;
      this.evict(id);
    }
  }

  private evict(id: string): void {
    this.storedCharacters -= this.finishedCalls.get(id)?.size ?? 0;
    this.finishedCalls.delete(id);
  }
}
