import {
  toFaultOutcome,
  toHttpOutcome,
  toMessageOutcome,
  type HttpAnswer,
  type TransportFault,
} from '#lib/mcp-protocol';
import type { HttpChannel, HttpExchange, HttpReceiver, SseEvent } from '../../channels/http/index.js';
import { readMessages } from '../messages.js';
import type { ListenReader, ListenStream } from './modern-subscription.js';

/** The POST of one `subscriptions/listen` request and its event stream. */
export class HttpListenStream implements HttpReceiver, ListenStream {
  private readonly exchange: HttpExchange;

  constructor(
    channel: HttpChannel,
    headers: string[],
    body: string,
    private readonly id: number,
    private readonly revision: string,
    private readonly reader: ListenReader,
  ) {
    this.exchange = channel.sendUnqueued({ method: 'POST', headers, body }, this);
  }

  close(): void {
    this.exchange.abort();
  }

  answered(answer: HttpAnswer): void {
    this.reader.ended(toHttpOutcome(answer, this.id));
  }

  streaming(): void {}

  event(event: SseEvent): void {
    if (event.type !== 'message' || event.data === '') return;
    const [reading] = readMessages(event.data, this.revision);
    if (reading?.kind === 'notification') {
      const { method, params = {} } = reading.message;
      this.reader.notification({ method, params });
    } else if (reading?.kind === 'response') {
      this.close();
      this.reader.ended(toMessageOutcome(reading.message, this.id));
    }
  }

  streamEnded(_cursor: unknown, fault?: TransportFault): void {
    this.reader.ended(fault === undefined ? undefined : toFaultOutcome(fault));
  }

  failed(fault: TransportFault, detail?: string): void {
    this.reader.ended(toFaultOutcome(fault, detail));
  }
}
