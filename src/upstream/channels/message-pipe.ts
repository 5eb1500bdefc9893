import type { JsonValue, Outcome, TransportFault } from '#lib/mcp-protocol';

/** Carries one call to the server and holds the resources that are open for that call. */
export interface CallTransport {
  /** True once bytes of the call may have left. */
  readonly sent: boolean;
  /** Releases the resources of the call; the server may still end its stream by itself. */
  release(): void;
  /** Releases the resources immediately: the server already knows that the call is cancelled. */
  abort(): void;
}

/** Receives the messages that a server writes into a pipe. */
export interface PipeReceiver {
  message(value: JsonValue): void;
  /** The pipe can neither receive nor send any more. Called at most once, and never after `close`. */
  pipeEnded(fault: TransportFault, reason: string): void;
}

/** Maximum number of messages that are buffered while no receiver is attached; further messages are dropped. */
const MAX_EARLY_MESSAGES = 100;

/** One channel for all messages of a connection in both directions: a child process, or HTTP+SSE. */
export abstract class MessagePipe {
  private receiver: PipeReceiver | undefined;
  private earlyMessages: JsonValue[] = [];
  private end: { readonly fault: TransportFault; readonly reason: string } | undefined;
  private lastId = 0;

  /** True when the pipe accepts no further message for now. */
  abstract readonly full: boolean;

  /**
   * Sends a request. `refused` is called when it could not be delivered or the server rejected it; the answer is a
   * message.
   * @param headers names and values of headers, for a channel that has any
   */
  abstract send(
    text: string,
    id: number,
    refused: (outcome: Outcome) => void,
    headers?: readonly string[],
  ): CallTransport;

  /**
   * Sends a message that expects no answer. The outcome is an error only when the server has not accepted it, never when it may
   * have read it.
   */
  abstract sendOneWay(text: string): Promise<Outcome>;

  /** Back-pressure. Messages that are already in transit may still arrive. */
  abstract pause(): void;
  abstract resume(): void;

  /** Idempotent. Resolves when all resources of the channel are released. */
  abstract close(): Promise<void>;

  get hasEnded(): boolean {
    return this.end !== undefined;
  }

  /** Ids are unique per pipe, across all senders. */
  nextId(): number {
    return ++this.lastId;
  }

  /** Passes all further messages to this receiver, after those that were buffered while none was attached. */
  attach(receiver: PipeReceiver): void {
    this.receiver = receiver;
    for (const value of this.earlyMessages.splice(0)) receiver.message(value);
    if (this.end !== undefined) receiver.pipeEnded(this.end.fault, this.end.reason);
  }

  /** Buffers further messages for the next receiver. */
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

  /** Ends the pipe without notifying a receiver, because the owner closed it. */
  protected endSilently(): void {
    this.end ??= { fault: 'lost', reason: 'it was closed' };
    this.receiver = undefined;
  }
}
