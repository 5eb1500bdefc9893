import { isJsonObject, RpcCode, type Outcome } from '#lib/mcp-protocol';
import { BusNode, RelayFailure, type BusContext, type BusEnd, type BusService } from '#lib/worker-bus';
import type { Chronicle, ToldAnswer } from './chronicle.js';
import type { Host } from './host.js';
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
}

/** What a client is told, but for the time. */
export type Told = Omit<ToldAnswer, 'time'>;

const MOST_CALLS_PER_SESSION = 2;
const PATTERN = 'call';

/** Names its owner, as session ids do. */
export const ownerOf = (session: string) => session.slice(0, session.indexOf('.'));

/** A gateway worker reduced to what forwarding is about: sessions that live here, and the way to those that do not. */
export class SimWorker implements BusService {
  readonly node: BusNode;
  /** Calls under way in each session that lives here. */
  private readonly sessions = new Map<string, number>();

  constructor(private readonly parts: WorkerParts) {
    this.node = parts.node(this);
    // Whoever was told that this worker is gone was told so for good.
    this.node.membership.onBuried(() => this.sessions.clear());
  }

  get incarnation(): string {
    return this.parts.incarnation;
  }

  get host(): Host {
    return this.parts.host;
  }

  openSession(number: number): string {
    const session = `${this.parts.incarnation}.${number}`;
    this.sessions.set(session, 0);
    return session;
  }

  /** SIGTERM, reduced to its end: the sessions are gone, the others are told so, and the process ends. */
  async takeLeave(): Promise<void> {
    this.sessions.clear();
    await this.node.membership.leave().catch(() => {});
    this.node.stop();
  }

  /** What is still held when nobody waits for anything any more. */
  leftOver(): string[] {
    const { asked, served } = this.node.load;
    return asked + served > 0 ? [`${asked} asked and ${served} served`] : [];
  }

  /** What a client that has reached this worker is told. Aborting the signal cancels. */
  async ask(call: Call, budgetMs: number, signal: AbortSignal, onStep: (step: number) => void): Promise<Told> {
    const owner = ownerOf(call.session);
    if (owner === this.incarnation) return this.askHere(call, signal, onStep);
    try {
      const place = await this.node.membership.whereIs(owner);
      if (place === 'gone') return notExecuted(SESSION_GONE);
      if (place === 'unsure') return notExecuted('unsure');
    } catch (error) {
      if (error instanceof RelayFailure) return notExecuted('unavailable');
      throw error;
    }
    if (signal.aborted) return notExecuted('cancelled');
    const order = { to: owner, pattern: PATTERN, payload: call, queue: call.session, budgetMs };
    const exchange = this.node.request(order, (event) => onStep(Number(event)));
    signal.addEventListener('abort', () => exchange.cancel(), { once: true });
    return toldOf(await exchange.end);
  }

  admit(_pattern: string, payload: unknown): { readonly reason: string } | undefined {
    const { name, session } = payload as Call;
    const running = this.sessions.get(session);
    if (running === undefined) return { reason: SESSION_GONE };
    if (running >= MOST_CALLS_PER_SESSION) return { reason: OVERLOADED };
    this.parts.chronicle.arrival(this.parts.process, session, name);
    return undefined;
  }

  async handle(_pattern: string, payload: unknown, context: BusContext): Promise<unknown> {
    const call = payload as Call;
    if (!this.sessions.has(call.session)) return ENDED;
    this.parts.chronicle.beginning(this.parts.process, call.session, call.name);
    return this.serve(call, context.signal, (step) => void context.emit(step));
  }

  private async askHere(call: Call, signal: AbortSignal, onStep: (step: number) => void): Promise<Told> {
    if (!(await this.node.membership.checkPulse())) return notExecuted(SESSION_GONE);
    if (!this.sessions.has(call.session)) return notExecuted(SESSION_GONE);
    try {
      return toldOfOutcome(await this.serve(call, signal, onStep));
    } catch {
      return unknown('failed');
    }
  }

  private async serve(call: Call, signal: AbortSignal, onStep: (step: number) => void): Promise<Outcome> {
    const { session } = call;
    this.parts.chronicle.served(call.name, this.parts.process);
    this.sessions.set(session, (this.sessions.get(session) ?? 0) + 1);
    try {
      const outcome = await this.parts.upstream.call(call, this.parts.host, signal, onStep);
      if (call.behaviour === 'defect') throw new TypeError('a defect');
      return outcome;
    } finally {
      if (this.sessions.has(session)) this.sessions.set(session, (this.sessions.get(session) ?? 1) - 1);
    }
  }
}

/** Why there is no session any more; also the reason of the owner's refusal. */
export const SESSION_GONE = 'session_gone';
/** The session has as many calls under way as it may. */
export const OVERLOADED = 'overloaded';

const notExecuted = (why: string): Told => ({ verdict: 'not_executed', why });
const unknown = (why: string): Told => ({ verdict: 'unknown', why });

/** The answer of an owner whose session has ended since it let the call in. */
const ENDED: Outcome = {
  kind: 'error',
  error: { code: RpcCode.invalidRequest, message: SESSION_GONE },
  httpStatus: 404,
};

/** What the end of a forwarded call means to the client. */
function toldOf(end: BusEnd): Told {
  switch (end.kind) {
    case 'value':
      return isOutcome(end.value) ? toldOfOutcome(end.value) : unknown('unreadable');
    case 'refused':
      return notExecuted(end.reason);
    case 'not-executed':
      return notExecuted(end.cause);
    case 'failed':
      return unknown(end.kind);
    case 'unknown':
      return unknown(end.cause);
  }
}

function toldOfOutcome(outcome: Outcome): Told {
  if (outcome.kind === 'result') {
    const { token } = outcome.result;
    return { verdict: 'success', ...(typeof token === 'string' && { token }) };
  }
  const { data, message } = outcome.error;
  if (message === SESSION_GONE) return notExecuted(SESSION_GONE);
  // An error of the server's own says nothing of its running in our words.
  const said = isJsonObject(data) ? data['outcome'] : 'executed';
  return { verdict: said === 'not_executed' || said === 'executed' ? said : 'unknown' };
}

function isOutcome(value: unknown): value is Outcome {
  if (!isJsonObject(value)) return false;
  return value['kind'] === 'result' ? isJsonObject(value['result']) : isJsonObject(value['error']);
}
