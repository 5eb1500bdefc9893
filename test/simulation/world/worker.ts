import { isJsonObject, type Outcome } from '#lib/mcp-protocol';
import { RelayFailure, type BusContext, type BusEnd } from '#lib/worker-bus';
import type { BusNode, BusService } from '#lib/worker-bus/testing';
import type { Chronicle } from './chronicle.js';
import { Gates } from './gates.js';
import { ADOPT, SimHandOver, TAKEN, type HeirRecords } from './hand-over.js';
import type { Host } from './host.js';
import { ENDED, notExecuted, OVERLOADED, SESSION_GONE, toldOf, toldOfOutcome, unknown, type Told } from './told.js';
import type { Call, Upstream } from './upstream.js';

/** What one worker of a world is made of. */
export interface WorkerParts {
  readonly incarnation: string;
  /** Which process it is: a process that took the name of an earlier one is another. */
  readonly process: string;
  readonly host: Host;
  readonly node: (service: BusService) => BusNode;
  readonly upstream: Upstream;
  readonly chronicle: Chronicle;
  readonly records: HeirRecords;
  /** See SimHandOver. */
  readonly isWary: boolean;
}

const MOST_CALLS_PER_SESSION = 2;
/** A session that moves again while it is followed must come to rest at last. */
const MOST_MOVES = 4;
const CALL = 'call';
const SESSION_MOVED = 'session_moved';

/** Names its owner, as session ids do. */
const ownerOf = (session: string) => session.slice(0, session.indexOf('.'));

/** A gateway worker reduced to what forwarding is about: sessions that live here, and the way to those that do not. */
export class SimWorker implements BusService {
  readonly node: BusNode;
  private readonly gates: Gates;
  /** Sessions on their way to an heir. */
  private leaving: Promise<void> | undefined;
  private isLeaving = false;

  constructor(private readonly parts: WorkerParts) {
    this.gates = new Gates(parts.process, parts.chronicle);
    this.node = parts.node(this);
    // Whoever was told that this worker is gone was told so for good.
    this.node.membership.onBuried(() => this.gates.close());
  }

  get process(): string {
    return this.parts.process;
  }

  get incarnation(): string {
    return this.parts.incarnation;
  }

  openSession(number: number): string {
    const session = `${this.parts.incarnation}.${number}`;
    this.gates.add(session);
    return session;
  }

  /** SIGTERM: sessions in which nothing is under way are given away, the others end with the process. */
  async takeLeave(): Promise<void> {
    if (this.isLeaving) return;
    this.isLeaving = true;
    const handOver = new SimHandOver(this.node, this.gates, this.parts.records, this.parts.isWary);
    this.leaving = handOver.run(this.incarnation).finally(() => (this.leaving = undefined));
    await this.leaving;
    await this.node.membership.leave().catch(() => {});
    this.gates.close();
    this.node.stop();
  }

  /** What is still held when nobody waits for anything any more. */
  leftOver(): string[] {
    const { asked, served } = this.node.load;
    return asked + served > 0 ? [`${asked} asked and ${served} served`] : [];
  }

  /** What a client that has reached this worker is told. Aborting the signal cancels. */
  async ask(call: Call, budgetMs: number, signal: AbortSignal, onStep: (step: number) => void): Promise<Told> {
    // A worker that slept for long may have been declared gone meanwhile, and its sessions with it.
    await this.node.membership.checkPulse();
    await this.leaving;
    if (this.gates.has(call.session)) return this.askHere(call, signal, onStep);
    const place = this.gates.heirOf(call.session) ?? (await this.find(call.session));
    if (typeof place !== 'string') return place;
    if (signal.aborted) return notExecuted('cancelled');
    return this.askThere(place, call, budgetMs, signal, onStep);
  }

  admit(pattern: string, payload: unknown): { readonly reason: string; readonly detail?: string } | undefined {
    if (pattern === ADOPT) return this.isLeaving ? { reason: 'leaving' } : undefined;
    const { name, session } = payload as Call;
    if (!this.gates.has(session) && !this.leaving) {
      const heir = this.gates.heirOf(session);
      return heir === undefined ? { reason: SESSION_GONE } : { reason: SESSION_MOVED, detail: heir };
    }
    if (this.gates.callsIn(session) >= MOST_CALLS_PER_SESSION) return { reason: OVERLOADED };
    this.parts.chronicle.arrival(this.process, session, name);
    return undefined;
  }

  async handle(pattern: string, payload: unknown, context: BusContext): Promise<unknown> {
    if (pattern === ADOPT) return this.adopt((payload as { readonly session: string }).session);
    const call = payload as Call;
    if (this.leaving) await this.leaving;
    if (!this.gates.has(call.session)) {
      const heir = this.gates.heirOf(call.session);
      return heir === undefined ? ENDED : { kind: 'moved', to: heir };
    }
    this.parts.chronicle.beginning(this.process, call.session, call.name);
    return this.serve(call, context.signal, (step) => void context.emit(step));
  }

  private adopt(session: string): string {
    if (this.isLeaving) return 'leaving';
    if (!this.gates.has(session)) this.gates.add(session);
    return TAKEN;
  }

  /** The worker to ask, or what the client is told where there is none. */
  private async find(session: string): Promise<string | Told> {
    const owner = ownerOf(session);
    if (owner === this.incarnation) return notExecuted(SESSION_GONE);
    try {
      const state = await this.node.membership.whereIs(owner);
      if (state === 'alive') return owner;
      const heir = await this.parts.records.heirOf(session);
      if (heir !== undefined && (await this.node.membership.whereIs(heir)) === 'alive') return heir;
      return notExecuted(state === 'gone' ? SESSION_GONE : 'unsure');
    } catch (error) {
      if (error instanceof RelayFailure) return notExecuted('unavailable');
      throw error;
    }
  }

  /** Follows the session where it went, as long as nothing has run. */
  private async askThere(
    place: string,
    call: Call,
    budgetMs: number,
    signal: AbortSignal,
    onStep: (step: number) => void,
  ): Promise<Told> {
    for (let moves = 0, to = place; moves < MOST_MOVES; moves += 1) {
      if (to === this.incarnation) return this.askHere(call, signal, onStep);
      const order = { to, pattern: CALL, payload: call, queue: call.session, budgetMs };
      const exchange = this.node.request(order, (event) => onStep(Number(event)));
      if (signal.aborted) exchange.cancel();
      signal.addEventListener('abort', () => exchange.cancel(), { once: true });
      const end = await exchange.end;
      const heir = heirIn(end);
      if (heir === undefined) return toldOf(end);
      to = heir;
    }
    return notExecuted(SESSION_MOVED);
  }

  private async askHere(call: Call, signal: AbortSignal, onStep: (step: number) => void): Promise<Told> {
    if (!this.gates.has(call.session)) return notExecuted(SESSION_GONE);
    try {
      return toldOfOutcome(await this.serve(call, signal, onStep));
    } catch {
      return unknown('failed');
    }
  }

  private async serve(call: Call, signal: AbortSignal, onStep: (step: number) => void): Promise<Outcome> {
    this.gates.enter(call.session);
    try {
      const outcome = await this.parts.upstream.call(call, this.parts.host, signal, onStep);
      if (call.behaviour === 'defect') throw new TypeError('a defect');
      return outcome;
    } finally {
      this.gates.leave(call.session);
    }
  }
}

/** Where the session went, in the answer of a worker that has run nothing. */
function heirIn(end: BusEnd): string | undefined {
  if (end.kind === 'refused' && end.reason === SESSION_MOVED) return String(end.detail);
  if (end.kind !== 'value' || !isJsonObject(end.value) || end.value['kind'] !== 'moved') return undefined;
  const { to } = end.value;
  return typeof to === 'string' ? to : undefined;
}
