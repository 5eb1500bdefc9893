import { isJsonObject, toMessageOutcome, type JsonValue, type Outcome, type TransportFault } from '#lib/mcp-protocol';
import type { Deadlines, Expiring } from '../channels/deadlines.js';
import type { MessagePipe, PipeReceiver } from '../channels/message-pipe.js';

/** How a request in a pipe without a connection ended. */
export type PipeEnding =
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'silence' }
  | { readonly kind: 'end'; readonly fault: TransportFault; readonly reason: string }
  | { readonly kind: 'cancelled' };

/** One handshake request in a pipe. Of the server's other messages, only pings are answered meanwhile. */
export class PipeRequest implements PipeReceiver, Expiring {
  expiresAt = 0;
  readonly ended: Promise<PipeEnding>;
  private readonly id: number;
  private resolve: (ending: PipeEnding) => void = () => undefined;

  /** @param sentId id of the request, when it was sent before and only its answer is awaited */
  constructor(
    private readonly pipe: MessagePipe,
    textOf: (id: number) => string,
    private readonly deadlines: Deadlines,
    private readonly timeoutMs: number,
    private readonly signal: AbortSignal,
    sentId?: number,
  ) {
    this.id = sentId ?? pipe.nextId();
    this.ended = new Promise((resolve) => {
      this.resolve = resolve;
    });
    deadlines.add(this, timeoutMs);
    pipe.attach(this);
    signal.addEventListener('abort', this);
    if (signal.aborted) this.handleEvent();
    else if (!pipe.hasEnded && sentId === undefined)
      pipe.send(textOf(this.id), this.id, (outcome) => this.finish({ kind: 'outcome', outcome }));
  }

  message(value: JsonValue): void {
    if (!isJsonObject(value)) return;
    const { id, method } = value;
    if (method === undefined && id === this.id) {
      this.finish({ kind: 'outcome', outcome: toMessageOutcome(value, this.id) });
    } else if (method === 'ping' && id !== undefined) {
      void this.pipe.sendOneWay(JSON.stringify({ jsonrpc: '2.0', id, result: {} }));
    }
  }

  pipeEnded(fault: TransportFault, reason: string): void {
    this.finish({ kind: 'end', fault, reason });
  }

  expire(): void {
    this.finish({ kind: 'silence' });
  }

  handleEvent(): void {
    this.finish({ kind: 'cancelled' });
  }

  private finish(ending: PipeEnding): void {
    this.deadlines.remove(this, this.timeoutMs);
    this.signal.removeEventListener('abort', this);
    this.pipe.detach();
    this.resolve(ending);
  }
}
