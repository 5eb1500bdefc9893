/** One complete HTTP response. */
export interface RestAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): RestAnswer => ({
  status,
  headers: { ...JSON_TYPE, ...headers },
  body: JSON.stringify(body),
});
const typed = (type: string, body: string | Buffer): RestAnswer => ({
  status: 200,
  headers: { 'content-type': type },
  body,
});

/** An image of one pixel. */
export const TINY_PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** Responses by path. */
export const REST_ANSWERS = {
  '/401': json(401, { detail: 'Unauthorized request' }, { 'www-authenticate': 'Bearer realm="billing"' }),
  '/403': json(403, { statusCode: 403, message: 'Not yours', error: 'Forbidden' }),
  '/404': json(404, { error: { code: 404, message: 'No such bill' } }),
  '/418': json(418, { jsonrpc: '2.0', id: 1, error: { code: -32000, message: 'A teapot' } }),
  '/422': json(422, { jsonrpc: '2.0', id: 1, result: { content: [] } }),
  '/429': json(429, { error: 'slow_down' }, { 'retry-after': '3' }),
  '/500': json(500, { message: 'Oops' }),
  '/502': { status: 502, headers: { 'content-type': 'text/html' }, body: '<h1>Bad gateway</h1>' },
  '/503': { status: 503, body: '' },
  '/400-null': json(400, null),
  '/400-array': json(400, ['a']),
  '/400-text': { status: 400, headers: { 'content-type': 'text/plain' }, body: 'No amount\r\n' },
  '/object': json(200, { bill: 7, open: true }),
  '/array': json(200, [1, 2]),
  '/null': json(200, null),
  '/large-number': typed('application/json', '{"id":12345678901234567890}'),
  '/problem-json': typed('application/hal+json; charset=utf-8', '{"a":1}'),
  '/with-mark': typed('application/json', '\uFEFF{"a":1}'),
  '/text': typed('text/plain; charset=utf-8', 'Grüße'),
  '/latin-text': typed('text/plain; charset=iso-8859-1', Buffer.from('Grüße', 'latin1')),
  '/html': typed('text/html', '<p>hello</p>'),
  '/untyped-json': { status: 200, body: '{"a":1}' },
  '/untyped-text': { status: 200, body: 'hello' },
  '/empty': { status: 204, body: '' },
  '/empty-json': typed('application/json', ''),
  '/image': typed('image/png', TINY_PNG),
  '/sound': typed('audio/wav', Buffer.from([1, 2, 255])),
  '/bytes': typed('application/pdf', Buffer.from([37, 80, 255])),
  '/untyped-bytes': { status: 200, body: Buffer.from([1, 255]) },
  '/broken-json': typed('application/json', '{"a":'),
  '/html-as-json': typed('application/json', '<html>Sign in</html>'),
  '/wrong-text': typed('text/plain', Buffer.from([255, 254])),
  '/odd-charset': typed('text/plain; charset=klingon', 'Qapla'),
  '/compressed': { status: 200, headers: { ...JSON_TYPE, 'content-encoding': 'gzip' }, body: Buffer.from([31, 139]) },
  '/events': typed('text/event-stream', 'data: {}\n\n'),
  '/not-modified': { status: 304, body: '' },
} as const satisfies Readonly<Record<string, RestAnswer>>;
