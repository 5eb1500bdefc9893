import { connect, type Socket } from 'node:net';

/** One answer. `head` ends with a line break, like every header line; `body` is raw, including chunk sizes. */
export interface HttpAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

interface Waiting {
  readonly answered: (answer: HttpAnswer) => void;
  readonly failed: (error: Error) => void;
}

/** The parsed head of an answer; without `end` the body is chunked. */
interface Expected {
  readonly head: string;
  readonly bodyAt: number;
  readonly end?: number;
}

const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = '\r\n0\r\n\r\n';

/**
 * A minimal keep-alive HTTP/1.1 connection for load generation: it writes prepared bytes and reads one answer at a
 * time, with a length or in chunks. Latin-1 maps every byte to one character.
 */
export class HttpConnection {
  private readonly socket: Socket;
  private waiting: Waiting | undefined;
  private received = '';
  private expected: Expected | undefined;

  constructor(host: string, port: number) {
    this.socket = connect({ host, port, noDelay: true });
    this.socket.setEncoding('latin1');
    this.socket.on('data', (chunk: string) => this.read(chunk));
    this.socket.on('error', (error) => this.fail(error));
    this.socket.on('close', () => this.fail(new Error('The connection was closed.')));
  }

  get open(): boolean {
    return !this.socket.destroyed;
  }

  /** Writes a request and calls exactly one of the callbacks. One request at a time. */
  send(request: Buffer, answered: Waiting['answered'], failed: Waiting['failed']): void {
    this.waiting = { answered, failed };
    this.socket.write(request);
  }

  exchange(request: Buffer): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => this.send(request, resolve, reject));
  }

  close(): void {
    this.waiting = undefined;
    this.socket.destroy();
  }

  /** Parses the head only once: searching a long answer again with each chunk would cost more than reading it. */
  private read(chunk: string): void {
    this.received = this.received === '' ? chunk : this.received + chunk;
    this.expected ??= this.readHead();
    if (this.expected === undefined) return;
    const { head, bodyAt, end } = this.expected;
    if (end === undefined) return this.readChunks(head, bodyAt, chunk);
    if (this.received.length >= end) this.finish(head, this.received.slice(bodyAt, end));
  }

  private readHead(): Expected | undefined {
    const headLength = this.received.indexOf(HEAD_END);
    if (headLength < 0) return undefined;
    const head = this.received.slice(0, headLength + 2);
    const bodyAt = headLength + HEAD_END.length;
    const length = headerValue(head, 'content-length');
    const isChunked = length === undefined && headerValue(head, 'transfer-encoding') !== undefined;
    return { head, bodyAt, ...(isChunked ? {} : { end: bodyAt + Number(length ?? 0) }) };
  }

  /** The measured answers contain no line with a single `0`, so the last chunk is found without parsing chunk sizes. */
  private readChunks(head: string, bodyAt: number, latest: string): void {
    // The last chunk may have arrived in two parts.
    const end = latest.length < LAST_CHUNK.length ? this.received : latest;
    const isEmpty =
      this.received.length === bodyAt + LAST_CHUNK.length - 2 && this.received.startsWith('0\r\n\r\n', bodyAt);
    if (isEmpty || end.endsWith(LAST_CHUNK)) this.finish(head, this.received.slice(bodyAt));
  }

  private finish(head: string, body: string): void {
    const waiting = this.waiting;
    this.waiting = undefined;
    this.received = '';
    this.expected = undefined;
    waiting?.answered({ status: Number(head.slice(9, 12)), head, body });
  }

  private fail(error: Error): void {
    const waiting = this.waiting;
    this.waiting = undefined;
    this.socket.destroy();
    waiting?.failed(error);
  }
}

/** The value of a header by its lower-case name. */
export function headerValue(head: string, name: string): string | undefined {
  let at = head.indexOf(`\r\n${name}: `);
  if (at < 0) at = head.toLowerCase().indexOf(`\r\n${name}: `);
  if (at < 0) return undefined;
  const from = at + name.length + 4;
  return head.slice(from, head.indexOf('\r\n', from));
}
