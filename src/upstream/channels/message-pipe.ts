import type { JsonValue, Outcome, TransportFault } from '#lib/mcp-protocol';

/** How a call reaches the server and what it holds there. */
export interface CallTransport {
  /** True once bytes of the call may have left. */
  readonly sent: boolean;
  /** Lets go of what was kept open for the call alone, leaving the server a moment to end it. */
  release(): void;
  /** Lets go at once: the server knows that nobody waits. */
  abort(): void;
}

/** Takes what a server writes into a pipe. */
export interface PipeReceiver {
  message(value: JsonValue): void;
  /** Nothing more comes, and nothing more can be sent. Called once, and never after `close`. */
  pipeEnded(fault: TransportFault, reason: string): void;
}

/** Messages that are kept while nobody listens; what comes then is not worth more. */
const MAX_EARLY_MESSAGES = 100;

/** One channel for all messages of a connection, both ways: a child process, or HTTP+SSE. */
export abstract class MessagePipe {
  private receiver: PipeReceiver | undefined;
  private earlyMessages: JsonValue[] = [];
  private end: { readonly fault: TransportFault; readonly reason: string } | undefined;
  private lastId = 0;

  /** True when no further message fits in. */
  abstract readonly full: boolean;

  /** Sends a request. `refused` is called when the server, or nobody, took it; the answer comes as a message. */
  abstract send(text: string, id: number, refused: (outcome: Outcome) => void): CallTransport;

  /** Sends what expects no answer. False when it cannot be delivered; true as well when nobody can tell. */
  abstract sendOneWay(text: string): Promise<boolean>;

  /** Back-pressure. What is on its way may still arrive. */
  abstract pause(): void;
  abstract resume(): void;

  /** Idempotent. Resolves when nothing is left of the channel. */
  abstract close(): Promise<void>;

  get hasEnded(): boolean {
    return this.end !== undefined;
  }

  /** Ids are unique in a pipe, whoever sends. */
  nextId(): number {
    return ++this.lastId;
  }

  /** Hands all that comes from now on to this receiver, and what came while there was none. */
  attach(receiver: PipeReceiver): void {
    this.receiver = receiver;
    for (const value of this.earlyMessages.splice(0)) receiver.message(value);
    if (this.end !== undefined) receiver.pipeEnded(this.end.fault, this.end.reason);
  }

  /** What comes is kept for the next receiver. */
  detach(): void {
    this.receiver = undefined;
  }

  /** Keeps a message that the last receiver got for the next one. */
  putBack(value: JsonValue): void {
    this.earlyMessages.push(value);
  }

  protected received(value: JsonValue): void {
    if (this.end !== undefined) return;
    if (this.receiver !== undefined) this.receiver.message(value);
    else if (this.earlyMessages.length < MAX_EARLY_MESSAGES) this.earlyMessages.push(value);
  }

  protected ended(fault: TransportFault, reason: string): void {
    if (this.end !== undefined) return;
    this.end = { fault, reason };
    this.receiver?.pipeEnded(fault, reason);
  }

  /** No receiver hears of the end: it was wanted. */
  protected endSilently(): void {
    this.end ??= { fault: 'lost', reason: 'it was closed' };
    this.receiver = undefined;
  }
}
