import { outcomeOfFault, type McpNotification, type Outcome } from '#lib/mcp-protocol';
import type { Deadlines, Expiring } from '../channels/deadlines.js';
import type { UpstreamReply, UpstreamRequest } from '../upstream-connection.js';
import { named } from '../upstream.errors.js';

/** What all calls of one connection share. */
export interface CallSurroundings {
  readonly server: string;
  readonly deadlines: Deadlines;
  readonly requestMs: number;
}

/**
 * One request on its way, until its one outcome. The first outcome wins: the server's, the caller's leaving or the end
 * of its time; the latter two also tell the server, each era in its own way.
 */
export abstract class RunningCall implements Expiring {
  expiresAt = 0;
  readonly outcome: Promise<Outcome>;
  private resolve: (outcome: Outcome) => void = IGNORE;
  private over = false;

  constructor(
    readonly id: number,
    readonly request: UpstreamRequest,
    private readonly reply: UpstreamReply,
    private readonly signal: AbortSignal,
    protected readonly surroundings: CallSurroundings,
  ) {
    this.outcome = new Promise((resolve) => {
      this.resolve = resolve;
    });
    signal.addEventListener('abort', this);
    surroundings.deadlines.add(this, surroundings.requestMs);
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
  }

  /** Passes a notification on to the caller; dropped once the outcome is there. */
  deliver(notification: McpNotification): void | Promise<void> {
    if (!this.over) return this.reply.notify(notification);
  }

  /** Progress towards the caller carries the caller's token; whoever gave none wants none. */
  deliverProgress(notification: McpNotification): void | Promise<void> {
    const progressToken = this.request.progressToken;
    if (progressToken === undefined) return;
    return this.deliver({ method: notification.method, params: { ...notification.params, progressToken } });
  }

  /** The caller left. */
  handleEvent(): void {
    this.stop('aborted');
  }

  /** The time is over. */
  expire(): void {
    this.stop('timeout');
  }

  private stop(why: 'aborted' | 'timeout'): void {
    if (this.over) return;
    const sent = this.withdraw(why);
    this.settle(sent ? outcomeOfFault(why) : outcomeOfFault('refused', NEVER_SENT[why]));
  }

  /** Tells the server that nobody waits any more. False when nothing of the call was sent. */
  protected abstract withdraw(why: 'aborted' | 'timeout'): boolean;

  /** Called once, before the outcome is told: lets go of what the call holds. */
  protected released(): void {}

  protected ask(...args: Parameters<UpstreamReply['ask']>): ReturnType<UpstreamReply['ask']> {
    return this.reply.ask(...args);
  }
}

const NEVER_SENT = { aborted: 'cancelled before it was sent', timeout: 'no connection in time' } as const;
const IGNORE = (): void => undefined;
