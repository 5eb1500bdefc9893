import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '#lib/time';

/** Limits of the bytes and the time for which the rest of a refused request is received and discarded. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;
const MAX_LINGER_MS = 10_000;
const CHECK_INTERVAL_MS = 250;

const CLOSE = { connection: 'close' } as const;
const KEEP_OPEN = {} as const;

/**
 * Prepares the connection of a request for a response that is sent now, and returns the headers for it. A partly received
 * body makes the connection unusable for another request. Closing it at once would reset it, and the reset discards the
 * response before the client has read it. So the connection is closed in one direction, and the rest of the body is
 * received and discarded within limits (RFC 9112, 9.6).
 */
export function closeUnlessReceived(request: IncomingMessage, clock: Clock): Readonly<Record<string, string>> {
  if (request.complete || !hasBody(request)) return KEEP_OPEN;
  const { socket } = request;
  const closeNow = socket.destroySoon.bind(socket);
  // Node calls this when it has written the response.
  socket.destroySoon = () => {
    socket.destroySoon = closeNow;
    if (request.complete || socket.destroyed) return closeNow();
    request.once('end', closeNow);
    request.resume();
    return linger(socket, clock);
  };
  return CLOSE;
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** Ends the gateway's side of a connection, and closes it when the client has ended its side or the limits are reached. */
export function linger(socket: Socket, clock: Clock): void {
  // It may have emitted 'close' already, and then nothing would ever stop the timer.
  if (socket.destroyed) return;
  const maxBytesRead = socket.bytesRead + MAX_DISCARDED_BYTES;
  const closeAt = clock.monotonicNow() + MAX_LINGER_MS;
  const stop = clock.every(CHECK_INTERVAL_MS, () => {
    if (clock.monotonicNow() >= closeAt || socket.bytesRead > maxBytesRead) socket.destroy();
  });
  socket.once('close', stop);
  socket.end();
}
