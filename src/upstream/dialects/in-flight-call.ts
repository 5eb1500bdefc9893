import { outcomeOfFault, type JsonObject, type McpNotification, type Outcome } from '#lib/mcp-protocol';
import type { Deadlines, Expiring } from '../channels/deadlines.js';
import type { UpstreamReply, UpstreamRequest } from '../upstream-connection.js';
import { withServer } from '../upstream.errors.js';
import type { PipeFlowControl } from './pipe-flow-control.js';

/** What all calls of one connection share. */
export interface CallContext {
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
export abstract class InFlightCall implements Expiring {
  expiresAt = 0;
  /** Set where calls share one channel: it must not wait for the reader of one of them. */
  flow: PipeFlowControl | undefined;
  private promise: Promise<Outcome> | undefined;
  private resolve: (outcome: Outcome) => void = IGNORE;
  private isOver = false;

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
    context.deadlines.add(this, context.requestMs);
  }

  get request(): UpstreamRequest {
    return this.currentRequest;
  }

  /** For whoever starts the call, before it is sent: a settled call holds nothing any more. */
  get outcome(): Promise<Outcome> {
    if (this.promise === undefined) throw new Error('The call is settled; its outcome was given to its caller.');
    return this.promise;
  }

  get server(): string {
    return this.context.server;
  }

  get settled(): boolean {
    return this.isOver;
  }

  settle(outcome: Outcome): void {
    if (this.isOver) return;
    this.isOver = true;
    this.signal.removeEventListener('abort', this);
    this.context.deadlines.remove(this, this.context.requestMs);
    this.released();
    this.resolve(withServer(outcome, this.context.server));
    this.releaseReferences();
  }

  /** Collections and timers may remember a call for long; what it held must not grow old with it. */
  private releaseReferences(): void {
    this.promise = undefined;
    this.resolve = IGNORE;
    this.reply = NO_REPLY;
    this.currentRequest = NO_REQUEST;
    this.signal = NEVER;
  }

  /** Settles after the messages before it, where those wait for a slow reader. */
  settleInOrder(outcome: Outcome): void {
    if (this.flow === undefined) this.settle(outcome);
    else this.flow.run(this, () => this.settle(outcome));
  }

  /** Passes a notification on to the caller; dropped once the outcome is there. */
  deliver(notification: McpNotification): void | Promise<void> {
    if (this.isOver) return;
    if (this.flow === undefined) return this.reply.notify(notification);
    this.flow.run(this, () => (this.isOver ? undefined : this.reply.notify(notification)));
  }

  /** The answer comes as a stream that can be resumed. */
  opened(retryMs: number | undefined): void {
    if (!this.isOver) this.reply.opened?.(retryMs);
  }

  /** That stream ended before the outcome, and is about to be resumed. */
  interrupted(): void {
    if (!this.isOver) this.reply.interrupted?.();
  }

  /** The server asked for something that the client has not declared, and was refused. */
  missingCapabilities(capabilities: JsonObject): void {
    if (!this.isOver) this.reply.missingCapabilities?.(capabilities);
  }

  /** Progress towards the caller carries the caller's token; whoever gave none wants none. */
  deliverProgress(notification: McpNotification): void | Promise<void> {
    const progressToken = this.request.progressToken;
    if (progressToken === undefined) return;
    return this.deliver({ method: notification.method, params: { ...notification.params, progressToken } });
  }

  /** Time that the server spends on waiting for an answer of the client is not its own. */
  protected pauseTimeout(): void {
    this.context.deadlines.remove(this, this.context.requestMs);
  }

  protected resumeTimeout(): void {
    if (!this.isOver) this.context.deadlines.add(this, this.context.requestMs);
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
    if (this.isOver) return;
    const sent = this.cancelUpstream(CANCEL_REASONS[fault]);
    this.settle(sent ? outcomeOfFault(fault, reason) : outcomeOfFault('refused', reason ?? NOT_SENT_REASONS[fault]));
  }

  /** Tells the server that nobody waits any more, and why. False when nothing of the call was sent. */
  protected abstract cancelUpstream(reason: string): boolean;

  /** Called once, before the outcome is told: lets go of what the call holds. */
  protected released(): void {}

  protected answerQuestion(
    ...args: Parameters<UpstreamReply['answerQuestion']>
  ): ReturnType<UpstreamReply['answerQuestion']> {
    return this.reply.answerQuestion(...args);
  }
}

const CANCEL_REASONS = {
  aborted: 'the client cancelled the request',
  timeout: 'the request took too long',
  lost: 'the gateway gave the request up',
} as const;

const NOT_SENT_REASONS = {
  aborted: 'cancelled before it was sent',
  timeout: 'no connection in time',
  lost: 'given up before it was sent',
} as const;

const NO_REPLY: UpstreamReply = {
  notify: () => undefined,
  answerQuestion: () => Promise.reject(new Error('The call is over.')),
};

const NO_REQUEST: UpstreamRequest = { method: '', params: {}, client: { revision: '', capabilities: {} } };

const NEVER = new AbortController().signal;

const IGNORE = (): void => undefined;
