import type { Outcome } from '#lib/mcp-protocol';
import type { HttpChannel } from '../../channels/http/index.js';
import type { StreamState } from '../../upstream-session-state.js';
import { sessionLost } from '../../upstream.errors.js';
import { toDelivery } from '../request-ending.js';
import { SingleRequest } from '../single-request.js';
import { withTraceHeader } from '../trace-header.js';
import type { LegacyCall } from './legacy-call.js';
import { LegacyPost } from './legacy-post.js';
import type { DetachedSession, LegacyLink, LinkHost } from './legacy-link.js';
import { endsSession } from './session-loss.js';
import { SessionStream } from './session-stream.js';

/** Timeout for messages that expect no answer, in milliseconds. */
const ONE_WAY_TIMEOUT_MS = 5_000;
/** Timeout for the DELETE that ends a session, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Streamable HTTP with sessions: one POST per message, and one GET stream for messages that belong to no call.
 * `previousStream` is the position at which another worker detached that stream.
 */
export class LegacyHttpLink implements LegacyLink {
  readonly sharesOneStream = false;
  private readonly postHeaders: string[];
  private stream: SessionStream | undefined;
  private readonly releaseChannel: () => void;

  constructor(
    private readonly channel: HttpChannel,
    readonly sessionId: string | undefined,
    private readonly host: LinkHost,
    private readonly previousStream?: StreamState,
  ) {
    this.postHeaders = legacyPostHeaders(this.commonHeaders);
    this.releaseChannel = channel.lease();
  }

  /** Built on demand: most sessions never send a GET. */
  get getHeaders(): string[] {
    return [...this.commonHeaders, 'accept', 'text/event-stream'];
  }

  get isSessionless(): boolean {
    return this.sessionId === undefined;
  }

  get full(): boolean {
    return this.channel.full;
  }

  send(call: LegacyCall, text: string): void {
    const post = new LegacyPost(this.channel, this, this.host, call);
    call.transport = post;
    post.start(withTraceHeader(this.postHeaders, call.request), text);
  }

  async sendOneWay(text: string): Promise<Outcome> {
    const request = { method: 'POST', headers: this.postHeaders, body: text, timeoutMs: ONE_WAY_TIMEOUT_MS } as const;
    const ending = await new SingleRequest(this.channel, request).ended;
    const isRefused = ending.kind === 'answer' && ending.answer.status >= 300;
    if (isRefused && this.sessionId !== undefined && endsSession(ending.answer)) return sessionLost(this.host.server);
    return toDelivery(ending);
  }

  get serverStreamUnsupported(): boolean {
    return this.stream?.isSupported === false;
  }

  openServerStream(): Promise<void> {
    this.stream ??= new SessionStream(this.channel, this.getHeaders, this.host, this.previousStream);
    return this.stream.open();
  }

  detach(): DetachedSession {
    const stream = this.stream?.detach();
    this.releaseChannel();
    return { ...(this.sessionId !== undefined && { sessionId: this.sessionId }), ...(stream && { stream }) };
  }

  async close(hasSession: boolean): Promise<void> {
    this.stream?.close();
    if (this.sessionId !== undefined && hasSession) {
      const request = { method: 'DELETE', headers: this.getHeaders, body: null, timeoutMs: CLOSE_TIMEOUT_MS } as const;
      await new SingleRequest(this.channel, request).ended;
    }
    this.releaseChannel();
  }

  private get commonHeaders(): string[] {
    const session = this.sessionId === undefined ? [] : ['mcp-session-id', this.sessionId];
    return [...this.channel.headers, 'mcp-protocol-version', this.host.revision, ...session];
  }
}

export function legacyPostHeaders(common: readonly string[]): string[] {
  return [...common, 'accept', 'application/json, text/event-stream', 'content-type', 'application/json'];
}
