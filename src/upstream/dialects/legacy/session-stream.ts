import type { HttpAnswer, MessageReading, TransportFault } from '#lib/mcp-protocol';
import { Backoff } from '../../channels/backoff.js';
import type {
  AnswerHeaders,
  HttpChannel,
  HttpExchange,
  HttpReceiver,
  SseEvent,
  StreamCursor,
} from '../../channels/http/index.js';
import type { StreamState } from '../../upstream-session-state.js';
import { readMessages } from '../messages.js';
import type { LinkHost } from './legacy-link.js';

/** How long opening may hold others up: some servers send no headers before the first event. */
const OPEN_TIMEOUT_MS = 1_000;

/**
 * The GET stream of a session, kept open once it was asked for. A server that offers none is not asked again; one that
 * ends it is visited again, with the last event id when it gave one. `left`: where another one left the same stream.
 */
export class SessionStream implements HttpReceiver {
  private state: 'closed' | 'open' | 'not offered' = 'closed';
  private exchange: HttpExchange | undefined;
  private timer: NodeJS.Timeout | undefined;
  private opening: Promise<void> | undefined;
  private opened: () => void = () => undefined;
  private cursor: StreamCursor;
  private interrupted: boolean;
  private wasOpen: boolean;
  private readonly backoff = new Backoff(1_000);

  constructor(
    private readonly channel: HttpChannel,
    private readonly headers: readonly string[],
    private readonly host: LinkHost,
    left?: StreamState,
  ) {
    this.cursor = { lastEventId: left?.lastEventId, retryMs: undefined };
    this.interrupted = left !== undefined;
    this.wasOpen = left !== undefined;
  }

  open(): Promise<void> {
    this.opening ??= new Promise((resolve) => {
      const patience = setTimeout(resolve, OPEN_TIMEOUT_MS).unref();
      this.opened = () => {
        clearTimeout(patience);
        resolve();
      };
      this.state = 'open';
      this.connect();
    });
    return this.opening;
  }

  /** False once the server has said that it has no such stream. */
  get isSupported(): boolean {
    return this.state !== 'not offered';
  }

  /** Closes it. Undefined when it was never open. */
  detach(): StreamState | undefined {
    const lastEventId = this.exchange?.cursor?.lastEventId ?? this.cursor.lastEventId;
    const isOpen = this.wasOpen && this.state === 'open';
    this.close();
    if (!isOpen) return undefined;
    return lastEventId === undefined ? {} : { lastEventId };
  }

  close(): void {
    this.state = 'closed';
    clearTimeout(this.timer);
    this.exchange?.abort();
    this.opened();
  }

  answered({ status }: HttpAnswer): void {
    if (status === 404 && this.wasOpen) {
      this.markUnsupported();
      return this.host.lost('the server ended the session');
    }
    // Many servers grant one stream at a time, and take a while to see that the one before is gone.
    if (status === 409 && this.wasOpen) return this.reconnectLater();
    if (status >= 500 || status === 408 || status === 429) return this.reconnectLater();
    if (this.cursor.lastEventId === undefined) return this.markUnsupported();
    // It does not know the event any more: begin anew, and say that something may be missing.
    this.cursor = { ...this.cursor, lastEventId: undefined };
    this.reconnectLater();
  }

  streaming(_headers: AnswerHeaders): void {
    this.opened();
    this.wasOpen = true;
    if (this.interrupted && this.cursor.lastEventId === undefined) this.host.missedChanges();
    this.interrupted = false;
  }

  event(event: SseEvent): void | Promise<void> {
    this.backoff.reset();
    if (event.type !== 'message' || event.data === '') return;
    return this.dispatchAll(readMessages(event.data, this.host.revision));
  }

  streamEnded(cursor: StreamCursor): void {
    this.cursor = {
      lastEventId: cursor.lastEventId ?? this.cursor.lastEventId,
      retryMs: cursor.retryMs ?? this.cursor.retryMs,
    };
    this.reconnectLater();
  }

  failed(_fault: TransportFault): void {
    this.reconnectLater();
  }

  private markUnsupported(): void {
    this.state = 'not offered';
    this.opened();
  }

  private connect(): void {
    if (this.state !== 'open') return;
    const { lastEventId } = this.cursor;
    const headers = lastEventId === undefined ? [...this.headers] : [...this.headers, 'last-event-id', lastEventId];
    this.exchange = this.channel.sendUnqueued({ method: 'GET', headers, body: null }, this);
  }

  private reconnectLater(): void {
    if (this.state !== 'open') return;
    this.interrupted = true;
    const delayMs = Math.max(this.cursor.retryMs ?? 0, this.backoff.next());
    this.timer = setTimeout(() => this.connect(), delayMs).unref();
  }

  private dispatchAll(readings: readonly MessageReading[]): void {
    for (const reading of readings) {
      if (reading.kind === 'notification') void this.host.inbox.notification(reading.message);
      else if (reading.kind === 'request') this.host.inbox.request(reading.message);
    }
  }
}
