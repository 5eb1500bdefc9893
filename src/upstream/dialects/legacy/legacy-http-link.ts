import type { HttpChannel } from '../../channels/http/index.js';
import { RequestOnce } from '../request-once.js';
import type { LegacyCall } from './legacy-call.js';
import { LegacyPost } from './legacy-post.js';
import type { LegacyLink, LinkHost } from './legacy-link.js';
import { SessionStream } from './session-stream.js';

/** Bounds what only tidies up: an answer that nobody needs is not worth a longer wait. */
const SIDE_LIMIT_MS = 5_000;
const FAREWELL_MS = 2_000;

/** Streamable HTTP with sessions: a POST per message, one GET stream for what belongs to no call. */
export class LegacyHttpLink implements LegacyLink {
  readonly sharesOneStream = false;
  private readonly postHeaders: string[];
  private readonly getHeaders: string[];
  private readonly stream: SessionStream;
  private readonly giveBack: () => void;

  constructor(
    private readonly channel: HttpChannel,
    readonly sessionId: string | undefined,
    private readonly host: LinkHost,
  ) {
    const session = sessionId === undefined ? [] : ['mcp-session-id', sessionId];
    const common = [...channel.headers, 'mcp-protocol-version', host.revision, ...session];
    this.postHeaders = legacyPostHeaders(common);
    this.getHeaders = [...common, 'accept', 'text/event-stream'];
    this.stream = new SessionStream(channel, this.getHeaders, host);
    this.giveBack = channel.lease();
  }

  get full(): boolean {
    return this.channel.full;
  }

  carry(call: LegacyCall, text: string): void {
    const post = new LegacyPost(this.channel, this.getHeaders, this.sessionId !== undefined, this.host, call);
    call.carriage = post;
    post.start(this.postHeaders, text);
  }

  async say(text: string): Promise<void> {
    const request = { method: 'POST', headers: this.postHeaders, body: text, limitMs: SIDE_LIMIT_MS } as const;
    await new RequestOnce(this.channel, request).ended;
  }

  openEars(): Promise<void> {
    return this.stream.open();
  }

  async close(): Promise<void> {
    this.stream.close();
    if (this.sessionId !== undefined) {
      const request = { method: 'DELETE', headers: this.getHeaders, body: null, limitMs: FAREWELL_MS } as const;
      await new RequestOnce(this.channel, request).ended;
    }
    this.giveBack();
  }
}

export function legacyPostHeaders(common: readonly string[]): string[] {
  return [...common, 'accept', 'application/json, text/event-stream', 'content-type', 'application/json'];
}
