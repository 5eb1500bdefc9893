import { outcomeOfFault, type JsonObject, type McpNotification, type Outcome } from '#lib/mcp-protocol';
import type { Deadlines, Expiring } from '../channels/deadlines.js';
import type { UpstreamReply, UpstreamRequest } from '../upstream-connection.js';
import { named } from '../upstream.errors.js';
import type { PipeFlow } from './pipe-flow.js';

/** What all calls of one connection share. */
export interface CallSurroundings {
  readonly server: string;
  readonly deadlines: Deadlines;
  readonly requestMs: number;
  /** Until a server answers a handshake or acknowledges a subscription. */
  readonly connectMs: number;
}

/**
 * One request on its way, until its one outcome. The first outcome wins: the server's, the caller's leaving or the end
 * of its time; the latter two also tell the server, each era in its own way.
 */
export abstract class RunningCall implements Expiring {
  expiresAt = 0;
  /** Set where calls share one channel: it must not wait for the reader of one of them. */
  flow: PipeFlow | undefined;
  private promise: Promise<Outcome> | undefined;
  private resolve: (outcome: Outcome) => void = IGNORE;
  private over = false;

  constructor(
    readonly id: number,
    private wanted: UpstreamRequest,
    private reply: UpstreamReply,
    private signal: AbortSignal,
    protected readonly surroundings: CallSurroundings,
  ) {
    this.promise = new Promise((resolve) => {
      this.resolve = resolve;
    });
    signal.addEventListener('abort', this);
    surroundings.deadlines.add(this, surroundings.requestMs);
  }

  get request(): UpstreamRequest {
    return this.wanted;
  }

  /** For whoever starts the call, before it is sent: a settled call holds nothing any more. */
  get outcome(): Promise<Outcome> {
    if (this.promise === undefined) throw new Error('The call is settled; its outcome was given to its caller.');
    return this.promise;
  }

  get server(): string {
    return this.surroundings.server;
  }

  get settled(): boolean {
    return this.over;
  }

  settle(outcome: Outcome): void {
    if (this.over) return;
    this.over = true;
    this.signal.removeEventListener('abort', this);
    this.surroundings.deadlines.remove(this, this.surroundings.requestMs);
    this.released();
    this.resolve(named(outcome, this.surroundings.server));
    this.letGo();
  }

  /** Collections and timers may remember a call for long; what it held must not grow old with it. */
  private letGo(): void {
    this.promise = undefined;
    this.resolve = IGNORE;
    this.reply = NOBODY;
    this.wanted = NOTHING;
    this.signal = NEVER;
  }

  /** Settles after the messages before it, where those wait for a slow reader. */
  conclude(outcome: Outcome): void {
    if (this.flow === undefined) this.settle(outcome);
    else this.flow.run(this, () => this.settle(outcome));
  }

  /** Passes a notification on to the caller; dropped once the outcome is there. */
  deliver(notification: McpNotification): void | Promise<void> {
    if (this.over) return;
    if (this.flow === undefined) return this.reply.notify(notification);
    this.flow.run(this, () => (this.over ? undefined : this.reply.notify(notification)));
  }

  /** The answer comes as a stream that can be resumed. */
  opened(retryMs: number | undefined): void {
    if (!this.over) this.reply.opened?.(retryMs);
  }

  /** That stream ended before the outcome, and is about to be resumed. */
  interrupted(): void {
    if (!this.over) this.reply.interrupted?.();
  }

  /** The server asked for something that the client has not declared, and was refused. */
  lacks(capabilities: JsonObject): void {
    if (!this.over) this.reply.lacks?.(capabilities);
  }

  /** Progress towards the caller carries the caller's token; whoever gave none wants none. */
  deliverProgress(notification: McpNotification): void | Promise<void> {
    const progressToken = this.request.progressToken;
    if (progressToken === undefined) return;
    return this.deliver({ method: notification.method, params: { ...notification.params, progressToken } });
  }

  /** Time that the server spends on waiting for an answer of the client is not its own. */
  protected stopClock(): void {
    this.surroundings.deadlines.remove(this, this.surroundings.requestMs);
  }

  protected restartClock(): void {
    if (!this.over) this.surroundings.deadlines.add(this, this.surroundings.requestMs);
  }

  /** The caller left. */
  handleEvent(): void {
    this.stop('aborted');
  }

  /** The time is over. */
  expire(): void {
    this.stop('timeout');
  }

  /** Gives the call up for a reason of our own. */
  abandon(reason: string): void {
    this.stop('lost', reason);
  }

  private stop(fault: 'aborted' | 'timeout' | 'lost', reason?: string): void {
    if (this.over) return;
    const sent = this.withdraw(REASONS[fault]);
    this.settle(sent ? outcomeOfFault(fault, reason) : outcomeOfFault('refused', reason ?? NEVER_SENT[fault]));
  }

  /** Tells the server that nobody waits any more, and why. False when nothing of the call was sent. */
  protected abstract withdraw(reason: string): boolean;

  /** Called once, before the outcome is told: lets go of what the call holds. */
  protected released(): void {}

  protected ask(...args: Parameters<UpstreamReply['ask']>): ReturnType<UpstreamReply['ask']> {
    return this.reply.ask(...args);
  }
}

const REASONS = {
  aborted: 'the client cancelled the request',
  timeout: 'the request took too long',
  lost: 'the gateway gave the request up',
} as const;

const NEVER_SENT = {
  aborted: 'cancelled before it was sent',
  timeout: 'no connection in time',
  lost: 'given up before it was sent',
} as const;

const NOBODY: UpstreamReply = {
  notify: () => undefined,
  ask: () => Promise.reject(new Error('The call is over.')),
};

const NOTHING: UpstreamRequest = { method: '', params: {}, client: { revision: '', capabilities: {} } };

const NEVER = new AbortController().signal;

const IGNORE = (): void => undefined;
