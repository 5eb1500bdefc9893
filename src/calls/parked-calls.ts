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

/** A call that waits for answers of its client, as those see it who look after calls. */
export interface ParkedCallView extends CallInfo {
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly begunAt: number;
  /** Methods of the questions that are before the client. */
  readonly questions: readonly string[];
  /** Requests of the client that wait for the call. */
  readonly waiting: number;
}

interface FinishedCall {
  readonly caller: string;
  readonly ending: CallResult;
  readonly size: number;
}

/** What a call that is over takes beside its outcome, in characters. */
const ENTRY_OVERHEAD = 1_000;
/** Outcomes are kept for clients whose connection broke before they had them: so many characters, of all calls together. */
const MAX_STORED_CHARACTERS = 16 * 1024 * 1024;

/**
 * The calls of this worker whose clients are asked by what the call returns, and answer by repeating it. A call is
 * parked from its first question to its end; what came of it is kept as long as its client may still ask.
 */
@Injectable()
export class ParkedCalls implements ParkedCallRegistry {
  private readonly parked = new Map<string, ParkableCall>();
  private readonly perCaller = new Map<string, number>();
  /** Those that are over, oldest first, and how much their outcomes take. */
  private readonly finishedCalls = new Map<string, FinishedCall>();
  private storedCharacters = 0;
  private isClosed = false;
  private readonly resumedRequests = new InFlightCounter();

  constructor(
    private readonly config: CallsConfig,
    private readonly sessions: SessionPoolConfig,
  ) {}

  /** Starts a call. Rejects as `run` does. */
  start(
    note: CallInfo,
    run: (reply: CallReply, signal: AbortSignal) => Promise<CallResult>,
    listener: CallWaiter,
  ): Promise<CallResult> {
    return new ParkableCall(note, this, this.sessions.questionTimeoutMs).begin(run, listener);
  }

  /**
   * Goes on with a call after its client has repeated it.
   *
   * @param responses the client's answers, by the keys of the questions
   * @throws ParkedCallLost when there is no such call of this caller (any more)
   * @throws MalformedAnswer
   */
  resume(id: string, caller: string, responses: JsonObject, listener: CallWaiter): Promise<CallResult> {
    const over = this.finishedCalls.get(id);
    if (over?.caller === caller) return Promise.resolve(over.ending);
    const call = this.parked.get(id);
    if (call?.info.caller !== caller) throw new ParkedCallLost();
    call.answer(responses);
    const told = this.resumedRequests.add();
    return call.waitForResult(listener).finally(told);
  }

  /** Those that are parked now. */
  list(): ParkedCallView[] {
    return Array.from(this.parked.values(), (call) => {
      const { id, info: note, begunAt, questions, waiting } = call;
      return { id, ...note, begunAt, questions, waiting };
    });
  }

  /** Cancels a call at its server. False when it is not parked (any more). */
  cancel(id: string): boolean {
    const call = this.parked.get(id);
    call?.cancel(new CallCancelled().toOutcome());
    return call !== undefined;
  }

  /** Cancels all, and takes no more: this worker leaves, or has been declared gone. */
  cancelAll(): void {
    this.isClosed = true;
    for (const id of this.parked.keys()) this.cancel(id);
  }

  /** Resolves once no client waits for what comes of its answers. */
  whenIdle(): Promise<void> {
    return this.resumedRequests.whenIdle();
  }

  park(call: ParkableCall): void {
    if (this.parked.has(call.id)) return;
    if (this.isClosed) return this.reject(call, new CallCancelled());
    const { caller } = call.info;
    const mine = this.perCaller.get(caller) ?? 0;
    const refused = this.findLimitError(mine);
    if (refused) return this.reject(call, refused);
    this.parked.set(call.id, call);
    this.perCaller.set(caller, mine + 1);
  }

  onEnded(call: ParkableCall): void {
    if (!this.parked.delete(call.id)) return;
    const { caller } = call.info;
    const left = (this.perCaller.get(caller) ?? 1) - 1;
    if (left > 0) this.perCaller.set(caller, left);
    else this.perCaller.delete(caller);
    if (call.finalResult) this.store(call.id, caller, call.finalResult);
  }

  private reject(call: ParkableCall, why: GatewayError): never {
    call.cancel(why.toOutcome());
    throw why;
  }

  private findLimitError(mine: number): TooManyParkedCalls | undefined {
    const { maxParkedCalls, maxParkedCallsPerPrincipal } = this.config;
    if (this.parked.size >= maxParkedCalls) return new TooManyParkedCalls('worker', maxParkedCalls);
    if (mine >= maxParkedCallsPerPrincipal) return new TooManyParkedCalls('principal', maxParkedCallsPerPrincipal);
    return undefined;
  }

  private store(call: string, caller: string, ending: CallResult): void {
    const size = JSON.stringify(ending).length + ENTRY_OVERHEAD;
    this.finishedCalls.set(call, { caller, ending, size });
    this.storedCharacters += size;
    setTimeout(() => this.evict(call), this.sessions.questionTimeoutMs).unref();
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
