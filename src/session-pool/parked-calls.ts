import { Injectable } from '@nestjs/common';
import type { GatewayError } from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import { AskingCall, type CallKeeper, type CallNote, type Ending, type Listener } from './asking-call.js';
import type { CallReply } from './call-replies.js';
import { OwedAnswers } from './owed-answers.js';
import { SessionPoolConfig } from './session-pool.config.js';
import { CallCancelled, ParkedCallLost, TooManyParkedCalls } from './session-pool.errors.js';

/** A parked call as administrators see it. */
export interface ParkedCallView extends CallNote {
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly begunAt: number;
  /** Methods of the open questions. */
  readonly questions: readonly string[];
  /** Number of client requests that wait for the call. */
  readonly waiting: number;
}

interface Over {
  readonly caller: string;
  readonly ending: Ending;
  readonly size: number;
}

/** Estimated overhead of a finished call beside its result, in characters. */
const OVERHEAD = 1_000;
/** Maximum size of the results stored for clients whose connection broke, in characters, over all calls. */
const MOST_KEPT = 16 * 1024 * 1024;

/**
 * The calls of this worker whose clients receive questions as the result of the call and answer by repeating it. A call
 * is parked from its first question to its end. Its result is stored for as long as its client may still request it.
 */
@Injectable()
export class ParkedCalls implements CallKeeper {
  private readonly parked = new Map<string, AskingCall>();
  private readonly perCaller = new Map<string, number>();
  /** Finished calls with their results, oldest first. */
  private readonly over = new Map<string, Over>();
  private sizeOfKept = 0;
  private isClosed = false;
  private readonly heard = new OwedAnswers();

  constructor(private readonly config: SessionPoolConfig) {}

  /** Starts a call. Rejects as `run` does. */
  start(
    note: CallNote,
    run: (reply: CallReply, signal: AbortSignal) => Promise<Ending>,
    listener: Listener,
  ): Promise<Ending> {
    return new AskingCall(note, this, this.config.questionMs).begin(run, listener);
  }

  /**
   * Resumes a call that its client has repeated.
   *
   * @param responses the client's answers, by the keys of the questions
   * @throws ParkedCallLost if this caller has no such call, or no longer
   * @throws MalformedAnswer
   */
  resume(id: string, caller: string, responses: JsonObject, listener: Listener): Promise<Ending> {
    const over = this.over.get(id);
    if (over?.caller === caller) return Promise.resolve(over.ending);
    const call = this.parked.get(id);
    if (call?.note.caller !== caller) throw new ParkedCallLost();
    call.answer(responses);
    const told = this.heard.add();
    return call.attend(listener).finally(told);
  }

  /** Returns the calls that are parked now. */
  list(): ParkedCallView[] {
    return Array.from(this.parked.values(), (call) => {
      const { id, note, begunAt, questions, waiting } = call;
      return { id, ...note, begunAt, questions, waiting };
    });
  }

  /** Cancels a call at its server. Returns false if it is not parked, or no longer. */
  cancel(id: string): boolean {
    const call = this.parked.get(id);
    call?.giveUp(new CallCancelled().toOutcome());
    return call !== undefined;
  }

  /** Cancels all calls and rejects new ones, because this worker shuts down or was declared dead. */
  abandon(): void {
    this.isClosed = true;
    for (const id of this.parked.keys()) this.cancel(id);
  }

  /** Resolves once no resumed request waits for a result. */
  whenUnheard(): Promise<void> {
    return this.heard.whenNone();
  }

  park(call: AskingCall): void {
    if (this.parked.has(call.id)) return;
    if (this.isClosed) return this.refuse(call, new CallCancelled());
    const { caller } = call.note;
    const mine = this.perCaller.get(caller) ?? 0;
    const refused = this.refusalAt(mine);
    if (refused) return this.refuse(call, refused);
    this.parked.set(call.id, call);
    this.perCaller.set(caller, mine + 1);
  }

  ended(call: AskingCall): void {
    if (!this.parked.delete(call.id)) return;
    const { caller } = call.note;
    const left = (this.perCaller.get(caller) ?? 1) - 1;
    if (left > 0) this.perCaller.set(caller, left);
    else this.perCaller.delete(caller);
    if (call.kept) this.keep(call.id, caller, call.kept);
  }

  private refuse(call: AskingCall, why: GatewayError): never {
    call.giveUp(why.toOutcome());
    throw why;
  }

  private refusalAt(mine: number): TooManyParkedCalls | undefined {
    const { maxParkedCalls, maxParkedCallsPerPrincipal } = this.config;
    if (this.parked.size >= maxParkedCalls) return new TooManyParkedCalls('worker', maxParkedCalls);
    if (mine >= maxParkedCallsPerPrincipal) return new TooManyParkedCalls('principal', maxParkedCallsPerPrincipal);
    return undefined;
  }

  private keep(call: string, caller: string, ending: Ending): void {
    const size = JSON.stringify(ending).length + OVERHEAD;
    this.over.set(call, { caller, ending, size });
    this.sizeOfKept += size;
    setTimeout(() => this.forget(call), this.config.questionMs).unref();
    for (const id of this.over.keys()) {
      if (this.sizeOfKept <= MOST_KEPT) break;
      this.forget(id);
    }
  }

  private forget(id: string): void {
    this.sizeOfKept -= this.over.get(id)?.size ?? 0;
    this.over.delete(id);
  }
}
