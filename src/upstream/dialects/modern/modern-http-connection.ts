import { outcomeOfFault, type McpNotification, type Outcome } from '#lib/mcp-protocol';
import type { HttpChannel } from '../../channels/http/index.js';
import type {
  ChangeFilter,
  ConnectionEvents,
  Listening,
  ServerProfile,
  UpstreamConnection,
  UpstreamReply,
  UpstreamRequest,
} from '../../upstream-connection.js';
import { connectionClosed, thrown, tooManyCalls } from '../../upstream.errors.js';
import type { CallSurroundings } from '../running-call.js';
import { HttpListenStream } from './http-listen-stream.js';
import { mirroredHeaders, modernHeaders } from './modern-headers.js';
import { LISTEN, ModernListening, type OpenListenStream } from './modern-listening.js';
import { modernText, ownRequest } from './modern-text.js';
import { ModernHttpCall, type ModernSurroundings } from './modern-http-call.js';

/** At most so often is a server asked again what it is, in milliseconds. */
const SUSPICION_MS = 5_000;

/** A modern server over HTTP: there is no session, so the connection is no more than a pool and a profile. */
export class ModernHttpConnection implements UpstreamConnection {
  private readonly surroundings: ModernSurroundings;
  private readonly headers: readonly string[];
  private readonly giveBack: () => void;
  private readonly listenings = new Set<ModernListening>();
  private lastId = 0;
  private suspectedAt = Number.NEGATIVE_INFINITY;
  private closedBecause: string | undefined;

  constructor(
    private readonly channel: HttpChannel,
    readonly profile: ServerProfile,
    surroundings: CallSurroundings,
    private readonly events: ConnectionEvents,
    private readonly isStillModern: () => Promise<boolean>,
  ) {
    this.surroundings = { ...surroundings, revision: profile.revision, suspect: () => this.suspect() };
    this.headers = modernHeaders(channel.headers, profile.revision);
    this.giveBack = channel.lease();
  }

  get closed(): boolean {
    return this.closedBecause !== undefined;
  }

  request(request: UpstreamRequest, reply: UpstreamReply, signal: AbortSignal): Promise<Outcome> {
    const server = this.surroundings.server;
    if (this.closedBecause !== undefined) return Promise.resolve(connectionClosed(server, this.closedBecause));
    if (signal.aborted) return Promise.resolve(outcomeOfFault('refused', 'cancelled before it was sent'));
    if (this.channel.full) return Promise.resolve(tooManyCalls(server));
    const id = ++this.lastId;
    const call = new ModernHttpCall(id, request, reply, signal, this.surroundings);
    const { outcome } = call;
    call.exchange = this.channel.call(
      mirroredHeaders(this.headers, request),
      modernText(id, request, this.profile.revision),
      call,
    );
    return outcome;
  }

  async notify(_notification: McpNotification): Promise<void> {}

  listen(filter: ChangeFilter, onChange: (notification: McpNotification) => void): Promise<Listening> {
    const { server, revision } = this.surroundings;
    if (this.closedBecause !== undefined) return Promise.reject(thrown(connectionClosed(server, this.closedBecause)));
    const open: OpenListenStream = (params, reader) => {
      const id = ++this.lastId;
      const request = ownRequest(LISTEN, params);
      const headers = mirroredHeaders(this.headers, request);
      return new HttpListenStream(this.channel, headers, modernText(id, request, revision), id, revision, reader);
    };
    const forget = (ended: ModernListening): void => void this.listenings.delete(ended);
    const listening = new ModernListening(open, filter, onChange, this.surroundings, forget);
    this.listenings.add(listening);
    return listening.listen();
  }

  async close(): Promise<void> {
    this.end('it was closed');
  }

  /** An answer that a server of another era would give. Asks the server what it is, before drawing conclusions. */
  private suspect(): void {
    const now = performance.now();
    if (this.closed || now - this.suspectedAt < SUSPICION_MS) return;
    this.suspectedAt = now;
    void this.isStillModern().then((still) => {
      const reason = 'the server speaks another revision now';
      if (!still && this.end(reason)) this.events.closed(reason);
    });
  }

  private end(reason: string): boolean {
    if (this.closedBecause !== undefined) return false;
    this.closedBecause = reason;
    for (const listening of this.listenings) listening.close();
    this.giveBack();
    return true;
  }
}
