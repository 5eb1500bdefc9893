import { Logger } from '@nestjs/common';
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
import { endsSession } from './session-loss.js';

const logger = new Logger('Upstream');

/**
 * How long callers wait for the stream to open, in milliseconds: some servers send no headers before the first event.
 */
const OPEN_TIMEOUT_MS = 1_000;

/**
 * The GET stream of a session, which stays open once it was requested. It is not requested again from a server that
 * does not support it. When the server ends the stream, it is reopened with the last event id, if there is one.
 * `previous` is the position at which another worker detached the same stream.
 */
export class SessionStream implements HttpReceiver {
  private state: 'closed' | 'open' | 'not offered' = 'closed';
  private exchange: HttpExchange | undefined;
  private cancelTimer: (() => void) | undefined;
  private opening: Promise<void> | undefined;
  private opened: () => void = NOTHING;
  private cursor: StreamCursor;
  private interrupted: boolean;
  private wasOpen: boolean;
  private readonly backoff = new Backoff(1_000);

  constructor(
    private readonly channel: HttpChannel,
    private readonly headers: readonly string[],
    private readonly host: LinkHost,
    previous?: StreamState,
  ) {
    this.cursor = { lastEventId: previous?.lastEventId, retryMs: undefined };
    this.interrupted = previous !== undefined;
    this.wasOpen = previous !== undefined;
  }

  open(): Promise<void> {
    this.opening ??= new Promise((resolve) => {
      const cancelTimeout = this.host.clock.after(OPEN_TIMEOUT_MS, resolve);
      this.opened = () => {
        cancelTimeout();
        resolve();
      };
      this.state = 'open';
      this.connect();
    });
    return this.opening;
  }

  /** False once the server has rejected the stream. */
  get isSupported(): boolean {
    return this.state !== 'not offered';
  }

  /** Closes the stream and returns its position. Returns undefined when it was never open. */
  detach(): StreamState | undefined {
    const lastEventId = this.exchange?.cursor?.lastEventId ?? this.cursor.lastEventId;
    const isOpen = this.wasOpen && this.state === 'open';
    this.close();
    if (!isOpen) return undefined;
    return lastEventId === undefined ? {} : { lastEventId };
  }

  close(): void {
    this.state = 'closed';
    this.cancelTimer?.();
    this.exchange?.abort();
    this.settleOpening();
  }

  answered(answer: HttpAnswer): void {
    const { status } = answer;
    if (this.wasOpen && endsSession(answer)) {
      this.markUnsupported();
      return this.host.sessionEnded();
    }
    // Many servers grant one stream at a time, and notice the end of the previous one with a delay.
    if (status === 409 && this.wasOpen) return this.reconnectLater();
    if (status >= 500 || status === 408 || status === 429) return this.reconnectLater();
    if (this.cursor.lastEventId === undefined) return this.markUnsupported();
    // The server no longer knows the event: reopen without it, and report that changes may have been missed.
    this.cursor = { ...this.cursor, lastEventId: undefined };
    this.reconnectLater();
  }

  streaming(_headers: AnswerHeaders): void {
    this.settleOpening();
    this.wasOpen = true;
    if (this.interrupted && this.cursor.lastEventId === undefined) this.host.missedChanges();
    this.interrupted = false;
  }

  event(event: SseEvent): void | Promise<void> {
    this.backoff.reset();
    if (event.type !== 'message' || event.data === '') return;
    return this.dispatchAll(readMessages(event.data, this.host.revision));
  }

  streamEnded(cursor: StreamCursor, fault?: TransportFault): void {
    if (fault === 'flooded') logger.warn(`${this.host.server}: closed a server stream of comments and empty events`);
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
    this.exchange = undefined;
    this.settleOpening();
  }

  /** Releases the timer too: a session has this stream for its whole life. */
  private settleOpening(): void {
    this.opened();
    this.opened = NOTHING;
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
    this.cancelTimer = this.host.clock.after(delayMs, () => this.connect());
  }

  private dispatchAll(readings: readonly MessageReading[]): void {
    for (const reading of readings) {
      if (reading.kind === 'notification') void this.host.inbox.notification(reading.message);
      else if (reading.kind === 'request') this.host.inbox.request(reading.message);
    }
  }
}

const NOTHING = (): void => undefined;
