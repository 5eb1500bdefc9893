import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '#lib/time';
import { toRefusalText } from '../rpc-responses.js';
import { linger } from './lingering-close.js';
import { MalformedRequest } from './request-form.js';

/** Codes of Node's HTTP parser that have a status or advice of their own. */
const FAULTS: Readonly<Record<string, readonly [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive completely in time. Send it again.'],
  HPE_HEADER_OVERFLOW: [431, 'The request line and headers are larger than 16 KiB. Shorten them.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'The chunk extensions of the body are too large. Send the body without them.'],
  HPE_UNEXPECTED_CONTENT_LENGTH: [
    400,
    'Content-Length occurs twice or beside Transfer-Encoding. Send one of them once.',
  ],
  HPE_INVALID_CONTENT_LENGTH: [400, 'Content-Length is not a number. Send the number of bytes of the body.'],
  HPE_INVALID_TRANSFER_ENCODING: [
    400,
    'Transfer-Encoding is invalid or occurs beside Content-Length. Send one of them once.',
  ],
};

const MALFORMED = [400, 'The HTTP request is malformed. Check the request line, the headers and the length.'] as const;

type HttpSocket = Socket & { readonly _httpMessage?: ServerResponse | null };

/** Answers a request that Node could not parse, and closes its connection. */
export function answerClientError(fault: NodeJS.ErrnoException, socket: HttpSocket, clock: Clock): void {
  if (fault.code === 'ECONNRESET' || socket.destroyed) return void socket.destroy();
  // The rest of a request that was answered already.
  if (socket.writableEnded) return;
  // A second response must not follow a part of the first.
  if (socket._httpMessage?.headersSent === true) return void socket.destroy();
  const [status, message] = FAULTS[fault.code ?? ''] ?? MALFORMED;
  endWithRefusal(socket, new MalformedRequest(message, status), clock);
}

const BAD_TARGET = new MalformedRequest('The path of the URL is malformed. Check its percent-encoding.');
const LONG_TARGET = new MalformedRequest('A segment of the path is too long. Shorten the URL.', 414);

/** Answers a request whose path the router cannot read. */
export function answerBadTarget(
  { statusCode }: { readonly statusCode?: number | undefined },
  { socket }: IncomingMessage,
  response: ServerResponse,
  clock: Clock,
): void {
  response.detachSocket(socket);
  endWithRefusal(socket, statusCode === LONG_TARGET.httpStatus ? LONG_TARGET : BAD_TARGET, clock);
}

/** Writes the response to a request that never reached a route, and closes the connection. */
export function endWithRefusal(socket: Socket, refusal: MalformedRequest, clock: Clock): void {
  const body = toRefusalText(refusal.toRpcError());
  const { httpStatus, headers } = refusal;
  const head = [
    `HTTP/1.1 ${httpStatus} ${STATUS_CODES[httpStatus] ?? ''}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  linger(socket, clock);
}
