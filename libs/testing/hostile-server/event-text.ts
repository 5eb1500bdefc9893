/** Encodes a server-sent event. The framing is always valid, even when the data is not. */
export function eventBytes(data: string | Uint8Array, eventId?: string, retryMs?: number): Buffer {
  const head = [
    'event: message\n',
    eventId === undefined ? '' : `id: ${eventId}\n`,
    retryMs === undefined ? '' : `retry: ${retryMs}\n`,
  ].join('');
  const body =
    typeof data === 'string'
      ? Buffer.from(
          data
            .split('\n')
            .map((line) => `data: ${line}`)
            .join('\n'),
        )
      : data;
  const prefix = typeof data === 'string' ? '' : 'data: ';
  return Buffer.concat([Buffer.from(head + prefix), body, Buffer.from('\n\n')]);
}

export const EVENT_STREAM = { 'content-type': 'text/event-stream', 'cache-control': 'no-store' };
