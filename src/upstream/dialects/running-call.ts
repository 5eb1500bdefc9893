import { outcomeOfFault, type JsonObject, type McpNotification, type Outcome } from '#lib/mcp-protocol';
import type { Deadlines, Expiring } from '../channels/deadlines.js';
import type { UpstreamReply, UpstreamRequest } from '../upstream-connection.js';
import { named } from '../upstream.errors.js';
import type { PipeFlow } from './pipe-flow.js';

/** Settings and services that all calls of one connection share. */
export interface CallSurroundings {
  readonly server: string;
  readonly deadlines: Deadlines;
  readonly requestMs: number;
  /** Milliseconds until a server must answer a handshake or acknowledge a subscription. */
  readonly connectMs: number;
}

/**
 * One in-flight request until its single outcome. The first outcome wins: the server's response, a cancellation by the
 * caller, or the timeout. The latter two also notify the server, in the way of its era.
 */
export abstract class RunningCall implements Expiring {
  expiresAt = 0;
  /** Set when calls share one channel, which must not wait for the reader of one call. */
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

  /** Must be read before the call is sent: a settled call has released its promise. */
  get outcome(): Promise<Outcome> {
    if (this.promise === undefined) throw new Error('The call is settled; read its outcome before the call is sent.');
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

  /** Collections and timers may reference a settled call for long; its request and reply must be collectable. */
  private letGo(): void {
    this.promise = undefined;
    this.resolve = IGNORE;
    this.reply = NOBODY;
    this.wanted = NOTHING;
    this.signal = NEVER;
  }

  /** Settles the call after its earlier messages were delivered, when those wait for a slow reader. */
  conclude(outcome: Outcome): void {
    if (this.flow === undefined) this.settle(outcome);
    else this.flow.run(this, () => this.settle(outcome));
  }

  /** Delivers a notification to the caller. Notifications after the outcome are dropped. */
  deliver(notification: McpNotification): void | Promise<void> {
    if (this.over) return;
    if (this.flow === undefined) return this.reply.notify(notification);
    this.flow.run(this, () => (this.over ? undefined : this.reply.notify(notification)));
  }

  /** The server replies with a resumable stream. */
  opened(retryMs: number | undefined): void {
    if (!this.over) this.reply.opened?.(retryMs);
  }

  /** That stream ended before the outcome and is about to be resumed. */
  interrupted(): void {
    if (!this.over) this.reply.interrupted?.();
  }

  /** A question of the server was rejected because the client did not declare these capabilities. */
  lacks(capabilities: JsonObject): void {
    if (!this.over) this.reply.lacks?.(capabilities);
  }

  /** Delivers progress with the caller's token. A caller without a token receives no progress. */
  deliverProgress(notification: McpNotification): void | Promise<void> {
    const progressToken = this.request.progressToken;
    if (progressToken === undefined) return;
    return this.deliver({ method: notification.method, params: { ...notification.params, progressToken } });
  }

  /** Pauses the timeout while the server waits for an answer of the client. */
  protected stopClock(): void {
    this.surroundings.deadlines.remove(this, this.surroundings.requestMs);
  }

  protected restartClock(): void {
    if (!this.over) this.surroundings.deadlines.add(this, this.surroundings.requestMs);
  }

  /** Called when the caller aborts its signal. */
  handleEvent(): void {
    this.stop('aborted');
  }

  /** Called when the timeout expires. */
  expire(): void {
    this.stop('timeout');
  }

  /** Ends the call as unknown, for a reason of the gateway. */
  abandon(reason: string): void {
    this.stop('lost', reason);
  }

  private stop(fault: 'aborted' | 'timeout' | 'lost', reason?: string): void {
    if (this.over) return;
    const sent = this.withdraw(REASONS[fault]);
    this.settle(sent ? outcomeOfFault(fault, reason) : outcomeOfFault('refused', reason ?? NEVER_SENT[fault]));
  }

  /** Cancels the call at the server with a reason. Returns false when nothing of the call was sent. */
  protected abstract withdraw(reason: string): boolean;

  /** Called once, before the outcome is resolved: releases the resources of the call. */
  protected released(): void {}

  protected ask(...args: Parameters<UpstreamReply['ask']>): ReturnType<UpstreamReply['ask']> {
    return this.reply.ask(...args);
  }
}

const REASONS = {
  aborted: 'the client cancelled the request',
  timeout: 'the request timed out',
  lost: 'the gateway abandoned the request',
} as const;

const NEVER_SENT = {
  aborted: 'cancelled before it was sent',
  timeout: 'no connection in time',
  lost: 'abandoned before it was sent',
} as const;

const NOBODY: UpstreamReply = {
  notify: () => undefined,
  ask: () => Promise.reject(new Error('The call is settled; no question can be answered.')),
};

const NOTHING: UpstreamRequest = { method: '', params: {}, client: { revision: '', capabilities: {} } };

const NEVER = new AbortController().signal;

const IGNORE = (): void => undefined;
