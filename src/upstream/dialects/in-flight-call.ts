import {
  isUnknownNotification,
  toFaultOutcome,
  type JsonObject,
  type McpNotification,
  type Outcome,
} from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { maximumOf } from '../../registry/index.js';
import type { Deadlines, Expiring } from '../channels/deadlines.js';
import type { UpstreamReply, UpstreamRequest } from '../upstream-connection.js';
import { withServer, type NamedServer } from '../upstream.errors.js';
import type { PipeFlowControl } from './pipe-flow-control.js';

/** Settings and services that all calls of one connection share. */
export interface CallContext extends NamedServer {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** Milliseconds without a response or progress after which a call times out. */
  readonly requestMs: number;
  /** Maximum duration of a call, in milliseconds (`maximumOf`). */
  readonly maximumMs?: number;
  /** Milliseconds until a server must answer a handshake or acknowledge a subscription. */
  readonly connectMs: number;
  /** True if requests of the server that the gateway does not know may reach clients. */
  readonly passesUnknown?: boolean;
}

/**
 * One in-flight request until its single outcome. The first outcome wins: the server's response, a cancellation by the
 * caller, or the timeout. The latter two also notify the server, in the way of its era.
 */
export abstract class InFlightCall implements Expiring {
  expiresAt = 0;
  /** Set when calls share one channel, which must not wait for the reader of one call. */
  flow: PipeFlowControl | undefined;
  private promise: Promise<Outcome> | undefined;
  private resolve: (outcome: Outcome) => void = IGNORE;
  private isOver = false;
  /** The duration of the current timeout. */
  private timeoutMs: number;
  /** The monotonic time from which the maximum duration counts; a pause shifts it. */
  private startedAt: number;
  private pausedAt: number | undefined;

  constructor(
    readonly id: number,
    private currentRequest: UpstreamRequest,
    private reply: UpstreamReply,
    private signal: AbortSignal,
    protected readonly context: CallContext,
  ) {
    this.promise = new Promise((resolve) => {
      this.resolve = resolve;
    });
    signal.addEventListener('abort', this);
    this.timeoutMs = context.requestMs;
    context.deadlines.add(this, this.timeoutMs);
    this.startedAt = this.expiresAt - this.timeoutMs;
  }

  get request(): UpstreamRequest {
    return this.currentRequest;
  }

  /** Must be read before the call is sent: a settled call has released its promise. */
  get outcome(): Promise<Outcome> {
    if (this.promise === undefined) throw new Error('The call is settled; read its outcome before the call is sent.');
    return this.promise;
  }

  get server(): string {
    return this.context.server;
  }

  /** True while the client may receive messages that the gateway does not know. */
  get acceptsUnknown(): boolean {
    return this.request.acceptsUnknown === true;
  }

  get settled(): boolean {
    return this.isOver;
  }

  settle(outcome: Outcome): void {
    if (this.isOver) return;
    this.isOver = true;
    this.signal.removeEventListener('abort', this);
    this.context.deadlines.remove(this, this.timeoutMs);
    this.released();
    this.resolve(withServer(outcome, this.context));
    this.releaseReferences();
  }

  /** Collections and timers may reference a settled call for long; its request and reply must be collectable. */
  private releaseReferences(): void {
    this.promise = undefined;
    this.resolve = IGNORE;
    this.reply = NO_REPLY;
    this.currentRequest = NO_REQUEST;
    this.signal = NEVER;
  }

  /** Settles the call after its earlier messages were delivered, when those wait for a slow reader. */
  settleInOrder(outcome: Outcome): void {
    if (this.flow === undefined) this.settle(outcome);
    else this.flow.run(this, () => this.settle(outcome));
  }

  /** Delivers a notification to the caller. Notifications after the outcome are dropped. */
  deliver(notification: McpNotification): void | Promise<void> {
    if (this.isOver || (isUnknownNotification(notification.method) && !this.acceptsUnknown)) return;
    if (this.flow === undefined) return this.reply.notify(notification);
    this.flow.run(this, () => (this.isOver ? undefined : this.reply.notify(notification)));
  }

  /** The server replies with a resumable stream. */
  opened(retryMs: number | undefined): void {
    if (!this.isOver) this.reply.opened?.(retryMs);
  }

  /** That stream ended before the outcome and is about to be resumed. */
  interrupted(): void {
    if (!this.isOver) this.reply.interrupted?.();
  }

  /** A question of the server was rejected because the client did not declare these capabilities. */
  missingCapabilities(capabilities: JsonObject): void {
    if (!this.isOver) this.reply.missingCapabilities?.(capabilities);
  }

  /** Delivers progress with the caller's token. A caller without a token receives no progress. */
  deliverProgress(notification: McpNotification): void | Promise<void> {
    const progressToken = this.request.progressToken;
    if (progressToken === undefined) return;
    this.extendTimeout();
    return this.deliver({ method: notification.method, params: { ...notification.params, progressToken } });
  }

  /** Pauses the timeout while the server waits for an answer of the client. */
  protected pauseTimeout(): void {
    this.pausedAt ??= this.context.deadlines.now();
    this.context.deadlines.remove(this, this.timeoutMs);
  }

  protected resumeTimeout(): void {
    if (this.isOver) return;
    const now = this.context.deadlines.now();
    this.startedAt += now - (this.pausedAt ?? now);
    this.pausedAt = undefined;
    this.restartTimeout(now);
  }

  /** Progress shows that the server works on the call, which may last up to its maximum. */
  private extendTimeout(): void {
    if (this.isOver || this.pausedAt !== undefined) return;
    const now = this.context.deadlines.now();
    if (now + this.allowedMs(now) - this.expiresAt < MIN_EXTENSION_MS) return;
    this.context.deadlines.remove(this, this.timeoutMs);
    this.restartTimeout(now);
  }

  private restartTimeout(now: number): void {
    this.timeoutMs = Math.max(1, this.allowedMs(now));
    this.context.deadlines.add(this, this.timeoutMs);
  }

  /** Milliseconds that the call may last from now on without further progress. */
  private allowedMs(now: number): number {
    return Math.min(this.context.requestMs, this.startedAt + maximumOf(this.context) - now);
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
    if (this.isOver) return;
    const given: unknown = this.signal.reason;
    const isGiven = fault === 'aborted' && typeof given === 'string';
    const sent = this.cancelUpstream(isGiven ? given : CANCEL_REASONS[fault]);
    this.settle(sent ? toFaultOutcome(fault, reason) : toFaultOutcome('refused', reason ?? NOT_SENT_REASONS[fault]));
  }

  /** Cancels the call at the server with a reason. Returns false when nothing of the call was sent. */
  protected abstract cancelUpstream(reason: string): boolean;

  /** Called once, before the outcome is resolved: releases the resources of the call. */
  protected released(): void {}

  protected answerQuestion(
    ...args: Parameters<UpstreamReply['answerQuestion']>
  ): ReturnType<UpstreamReply['answerQuestion']> {
    return this.reply.answerQuestion(...args);
  }
}

/** Frequent progress extends the timeout no more often than this, in milliseconds. */
const MIN_EXTENSION_MS = 100;

const CANCEL_REASONS = {
  aborted: 'the client cancelled the request',
  timeout: 'the request timed out',
  lost: 'the gateway abandoned the request',
} as const;

const NOT_SENT_REASONS = {
  aborted: 'cancelled before it was sent',
  timeout: 'no connection in time',
  lost: 'abandoned before it was sent',
} as const;

const NO_REPLY: UpstreamReply = {
  notify: () => undefined,
  answerQuestion: () => Promise.reject(new Error('The call is settled; no question can be answered.')),
};

const NO_REQUEST: UpstreamRequest = { method: '', params: {}, client: { revision: '', capabilities: {} } };

const NEVER = new AbortController().signal;

const IGNORE = (): void => undefined;
