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

/** Minimum interval between two era checks of a connection, in milliseconds. */
const SUSPICION_MS = 5_000;

/** A connection to a modern server over HTTP. There is no session: the connection consists of a pool and a profile. */
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
    const remove = (ended: ModernListening): void => void this.listenings.delete(ended);
    const subscription = new ModernListening(open, filter, onChange, this.surroundings, remove);
    this.listenings.add(subscription);
    return subscription.listen();
  }

  async close(): Promise<void> {
    this.end('it was closed');
  }

  /**
   * Probes the server again after an answer that is typical of another era. Closes the connection if the era changed.
   */
  private suspect(): void {
    const now = performance.now();
    if (this.closed || now - this.suspectedAt < SUSPICION_MS) return;
    this.suspectedAt = now;
    void this.isStillModern().then((isModern) => {
      const reason = 'the server changed its protocol revision';
      if (!isModern && this.end(reason)) this.events.closed(reason);
    });
  }

  private end(reason: string): boolean {
    if (this.closedBecause !== undefined) return false;
    this.closedBecause = reason;
    for (const subscription of this.listenings) subscription.close();
    this.giveBack();
    return true;
  }
}
