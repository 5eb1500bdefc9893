import { isJsonObject, type Outcome } from '#lib/mcp-protocol';
import { RelayFailure, type BusContext, type BusEnd } from '#lib/worker-bus';
import type { BusNode, BusService } from '#lib/worker-bus/testing';
import type { RunLog } from './run-log.js';
import { ServedSessions } from './served-sessions.js';
import { ADOPT, SimHandoff, ACCEPTED, type HandoffRecords } from './handoff.js';
import type { Host } from './host.js';
import {
  ENDED,
  notExecuted,
  OVERLOADED,
  SESSION_GONE,
  toClientAnswer,
  outcomeToClientAnswer,
  unknown,
  type ClientAnswer,
} from './client-answer.js';
import type { Call, Upstream } from './upstream.js';

/** The parts of one simulated worker. */
export interface WorkerParts {
  readonly incarnation: string;
  /** Id of the process, which differs from the worker id when a restarted worker reuses its id. */
  readonly process: string;
  readonly host: Host;
  readonly node: (service: BusService) => BusNode;
  readonly upstream: Upstream;
  readonly runLog: RunLog;
  readonly records: HandoffRecords;
  /** See SimHandoff. */
  readonly treatsUnknownAsAccepted: boolean;
}

const MAX_CALLS_PER_SESSION = 2;
/** Maximum number of redirects that a call follows. */
const MAX_MOVES = 4;
const CALL = 'call';
const SESSION_MOVED = 'session_moved';

/** The owner that a session id names. */
const ownerOf = (session: string) => session.slice(0, session.indexOf('.'));

/** A gateway worker reduced to forwarding: its own sessions, and the calls to sessions of other workers. */
export class SimWorker implements BusService {
  readonly node: BusNode;
  private readonly sessions: ServedSessions;
  /** The handoff in progress. */
  private leaving: Promise<void> | undefined;
  private isLeaving = false;

  constructor(private readonly parts: WorkerParts) {
    this.sessions = new ServedSessions(parts.process, parts.runLog);
    this.node = parts.node(this);
    // Other workers treat a fenced worker as dead, which is final.
    this.node.membership.onFenced(() => this.sessions.close());
  }

  get process(): string {
    return this.parts.process;
  }

  get incarnation(): string {
    return this.parts.incarnation;
  }

  openSession(number: number): string {
    const session = `${this.parts.incarnation}.${number}`;
    this.sessions.add(session);
    return session;
  }

  /** SIGTERM: hands sessions without in-flight calls off; the others end with the process. */
  async drain(): Promise<void> {
    if (this.isLeaving) return;
    this.isLeaving = true;
    const handOver = new SimHandoff(this.node, this.sessions, this.parts.records, this.parts.treatsUnknownAsAccepted);
    this.leaving = handOver.run(this.incarnation).finally(() => (this.leaving = undefined));
    await this.leaving;
    await this.node.membership.leave().catch(() => {});
    this.sessions.close();
    this.node.stop();
  }

  /** Resources that are still held at the end of a run. */
  leftOver(): string[] {
    const { sent, served } = this.node.load;
    return sent + served > 0 ? [`${sent} asked and ${served} served`] : [];
  }

  /** Handles a client's call and returns the answer. Aborting the signal cancels the call. */
  async call(call: Call, budgetMs: number, signal: AbortSignal, onStep: (step: number) => void): Promise<ClientAnswer> {
    // A worker that was frozen may have been fenced together with its sessions.
    await this.node.membership.checkOwnLiveness();
    await this.leaving;
    if (this.sessions.has(call.session)) return this.callLocally(call, signal, onStep);
    const place = this.sessions.newOwnerOf(call.session) ?? (await this.findOwner(call.session));
    if (typeof place !== 'string') return place;
    if (signal.aborted) return notExecuted('cancelled');
    return this.callRemotely(place, call, budgetMs, signal, onStep);
  }

  admit(pattern: string, payload: unknown): { readonly reason: string; readonly detail?: string } | undefined {
    if (pattern === ADOPT) return this.isLeaving ? { reason: 'leaving' } : undefined;
    const { name, session } = payload as Call;
    if (!this.sessions.has(session) && !this.leaving) {
      const newOwner = this.sessions.newOwnerOf(session);
      return newOwner === undefined ? { reason: SESSION_GONE } : { reason: SESSION_MOVED, detail: newOwner };
    }
    if (this.sessions.callsIn(session) >= MAX_CALLS_PER_SESSION) return { reason: OVERLOADED };
    this.parts.runLog.arrival(this.process, session, name);
    return undefined;
  }

  async handle(pattern: string, payload: unknown, context: BusContext): Promise<unknown> {
    if (pattern === ADOPT) return this.adopt((payload as { readonly session: string }).session);
    const call = payload as Call;
    if (this.leaving) await this.leaving;
    if (!this.sessions.has(call.session)) {
      const newOwner = this.sessions.newOwnerOf(call.session);
      return newOwner === undefined ? ENDED : { kind: 'moved', to: newOwner };
    }
    this.parts.runLog.start(this.process, call.session, call.name);
    return this.serve(call, context.signal, (step) => void context.emit(step));
  }

  private adopt(session: string): string {
    if (this.isLeaving) return 'leaving';
    if (!this.sessions.has(session)) this.sessions.add(session);
    return ACCEPTED;
  }

  /** The owner of a session, or the answer for the client when there is none. */
  private async findOwner(session: string): Promise<string | ClientAnswer> {
    const owner = ownerOf(session);
    if (owner === this.incarnation) return notExecuted(SESSION_GONE);
    try {
      const state = await this.node.membership.status(owner);
      if (state === 'alive') return owner;
      const newOwner = await this.parts.records.newOwnerOf(session);
      if (newOwner !== undefined && (await this.node.membership.status(newOwner)) === 'alive') return newOwner;
      return notExecuted(state === 'dead' ? SESSION_GONE : 'unsure');
    } catch (error) {
      if (error instanceof RelayFailure) return notExecuted('unavailable');
      throw error;
    }
  }

  /** Forwards the call and follows the session to its new owner, as long as nothing was executed. */
  private async callRemotely(
    place: string,
    call: Call,
    budgetMs: number,
    signal: AbortSignal,
    onStep: (step: number) => void,
  ): Promise<ClientAnswer> {
    for (let moves = 0, to = place; moves < MAX_MOVES; moves += 1) {
      if (to === this.incarnation) return this.callLocally(call, signal, onStep);
      const order = { to, pattern: CALL, payload: call, queue: call.session, budgetMs };
      const exchange = this.node.request(order, (event) => onStep(Number(event)));
      if (signal.aborted) exchange.cancel();
      signal.addEventListener('abort', () => exchange.cancel(), { once: true });
      const end = await exchange.end;
      const newOwner = newOwnerIn(end);
      if (newOwner === undefined) return toClientAnswer(end);
      to = newOwner;
    }
    return notExecuted(SESSION_MOVED);
  }

  private async callLocally(call: Call, signal: AbortSignal, onStep: (step: number) => void): Promise<ClientAnswer> {
    if (!this.sessions.has(call.session)) return notExecuted(SESSION_GONE);
    try {
      return outcomeToClientAnswer(await this.serve(call, signal, onStep));
    } catch {
      return unknown('failed');
    }
  }

  private async serve(call: Call, signal: AbortSignal, onStep: (step: number) => void): Promise<Outcome> {
    this.sessions.enter(call.session);
    try {
      const outcome = await this.parts.upstream.call(call, this.parts.host, signal, onStep);
      if (call.behaviour === 'defect') throw new TypeError('a defect');
      return outcome;
    } finally {
      this.sessions.leave(call.session);
    }
  }
}

/** The new owner in the answer of a worker that has executed nothing. */
function newOwnerIn(end: BusEnd): string | undefined {
  if (end.kind === 'refused' && end.reason === SESSION_MOVED) return String(end.detail);
  if (end.kind !== 'value' || !isJsonObject(end.value) || end.value['kind'] !== 'moved') return undefined;
  const { to } = end.value;
  return typeof to === 'string' ? to : undefined;
}
