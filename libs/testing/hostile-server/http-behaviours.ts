import { HTTP_CARRIERS, json, resultFrame, type Behaviour, type ExpectedError, type Frame } from './behaviour.js';
import { serverError, sessionLost, upstreamFailed } from './expectations.js';

/** A regular JSON-RPC error of the server; every hop preserves its code, message and data. */
export const SHELF_ERROR = {
  code: 4711,
  message: 'The shelf is empty',
  data: { shelf: 7, hint: 'Come back on Monday' },
};

interface Body {
  readonly name: string;
  readonly contentType?: string;
  readonly body: (status: number) => Frame;
  /** Expected detail of the message; absent when the server's own error is passed through. */
  readonly detail?: string | RegExp | ((phrase: string) => string);
  /** The body contains the id of the call. */
  readonly hasCallId?: true;
}

const fixed = (value: unknown): (() => Frame) => {
  const text = json(value);
  return () => () => text;
};

const asText =
  (text: string): (() => Frame) =>
  () =>
  () =>
    text;

const HTML = '<html><body><h1>Something is wrong</h1></body></html>';

const BODIES: readonly Body[] = [
  { name: 'rpc', body: () => (id) => json({ jsonrpc: '2.0', id, error: SHELF_ERROR }), hasCallId: true },
  { name: 'rpc-without-id', body: fixed({ jsonrpc: '2.0', id: null, error: SHELF_ERROR }) },
  {
    name: 'nest',
    body: (status) => () => json({ statusCode: status, message: 'Who are you?', error: 'Unauthorized' }),
    detail: 'Who are you?',
  },
  {
    name: 'nest-list',
    body: (status) => () => json({ statusCode: status, message: ['name is short', 'age is high'], error: 'Bad Form' }),
    detail: 'Bad Form',
  },
  { name: 'detail', body: fixed({ detail: 'Not authenticated' }), detail: 'Not authenticated' },
  {
    name: 'oauth',
    body: fixed({ error: 'invalid_token', error_description: 'The token expired' }),
    detail: 'The token expired',
  },
  { name: 'oauth-short', body: fixed({ error: 'invalid_token' }), detail: 'invalid_token' },
  {
    name: 'problem',
    contentType: 'application/problem+json',
    body: (status) => () => json({ type: 'about:blank', title: 'Out of stock', status }),
    detail: 'Out of stock',
  },
  { name: 'object', body: fixed({ ok: true }), detail: /^Upstream answered HTTP \d+/ },
  {
    name: 'result',
    body: () => (id) => resultFrame(id, 'done'),
    detail: /^Upstream answered HTTP \d+/,
    hasCallId: true,
  },
  {
    name: 'text-code',
    body: () => (id) => json({ jsonrpc: '2.0', id, error: { code: 'E_SHELF', message: 'Empty' } }),
    detail: /^Upstream answered HTTP \d+/,
    hasCallId: true,
  },
  { name: 'null', body: asText('null'), detail: 'null' },
  { name: 'array', body: asText('[1,2]'), detail: '[1,2]' },
  { name: 'string', body: asText('"no"'), detail: '"no"' },
  { name: 'number', body: asText('42'), detail: '42' },
  { name: 'text', contentType: 'text/plain', body: asText('It broke'), detail: 'It broke' },
  { name: 'html', contentType: 'text/html', body: asText(HTML), detail: HTML },
  { name: 'nothing', body: asText(''), detail: (phrase) => phrase },
];

const PHRASES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

interface Variant {
  readonly status: number;
  readonly suffix?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly retryAfterMs?: number;
}

const VARIANTS: readonly Variant[] = [
  ...[400, 401, 403, 404, 405, 406, 413, 415, 422, 500, 502, 503, 504].map((status) => ({ status })),
  { status: 429, headers: { 'retry-after': '7' }, retryAfterMs: 7000 },
  { status: 503, suffix: 'retry', headers: { 'retry-after': '2' }, retryAfterMs: 2000 },
];

function expectation(variant: Variant, body: Body): ExpectedError {
  if (body.detail === undefined) return serverError(SHELF_ERROR);
  const phrase = PHRASES[variant.status] ?? '';
  const detail = typeof body.detail === 'function' ? body.detail(phrase) : body.detail;
  return upstreamFailed(variant.status, detail, variant.retryAfterMs);
}

function behaviour(variant: Variant, body: Body): Behaviour {
  const status = variant.status;
  const common: Behaviour = {
    name: ['http', status, variant.suffix, body.name].filter((part) => part !== undefined).join('-'),
    act: {
      kind: 'http',
      status,
      headers: { 'content-type': body.contentType ?? 'application/json', ...variant.headers },
      body: body.body(status),
    },
    carriers: HTTP_CARRIERS,
    expect: expectation(variant, body),
  };
  // With a session, 404 means that the session does not exist, unless the body shows that the server read the call.
  if (status !== 404 || body.hasCallId) return common;
  return { ...common, expectOn: { 'legacy-http': sessionLost, sse: sessionLost }, endsSession: ['legacy-http', 'sse'] };
}

const one = (
  name: string,
  status: number,
  headers: Record<string, string>,
  body: string,
  expect: ExpectedError,
): Behaviour => ({
  name,
  act: { kind: 'http', status, headers, body: () => body },
  carriers: HTTP_CARRIERS,
  expect,
});

const LEAK = 'connect ECONNREFUSED 10.1.2.3:5432 at /srv/app/shop/db.js for http://shop.internal/x?token=abc123';

const SINGLES: readonly Behaviour[] = [
  one('http-401-challenge', 401, { 'www-authenticate': 'Bearer realm="shop", error="invalid_token"' }, '', {
    ...upstreamFailed(401, 'Unauthorized'),
    data: { httpStatus: 401, outcome: 'not_executed', wwwAuthenticate: /^Bearer/ },
  }),
  one('http-414', 414, {}, '', upstreamFailed(414, 'URI Too Long')),
  one('http-431', 431, {}, '', upstreamFailed(431, 'Request Header Fields Too Large')),
  one('http-429-bare', 429, {}, '', upstreamFailed(429, 'Too Many Requests')),
  one('http-503-date', 503, { 'retry-after': 'Fri, 31 Dec 2100 23:59:59 GMT' }, '', {
    ...upstreamFailed(503, 'Service Unavailable'),
    data: { httpStatus: 503, outcome: 'not_executed' },
  }),
  one('http-503-nonsense-date', 503, { 'retry-after': 'soon' }, '', {
    ...upstreamFailed(503),
    data: { httpStatus: 503 },
  }),
  one('http-500-control', 500, { 'content-type': 'text/plain' }, 'red \u001b[31malarm\u0007\r\nand more', {
    ...upstreamFailed(500),
    never: ['\u001b', '\u0007', '\r'],
  }),
  one('http-500-long', 500, { 'content-type': 'text/plain' }, 'x'.repeat(5000), {
    ...upstreamFailed(500, /^Upstream answered HTTP 500: x{100,200}…?$/),
  }),
  one('http-500-leaky', 500, { 'content-type': 'text/plain' }, LEAK, {
    ...upstreamFailed(500),
    never: ['10.1.2.3', 'token=abc123', '/srv/app'],
  }),
  one('http-500-latin', 500, { 'content-type': 'text/plain; charset=utf-16le' }, 'It broke', upstreamFailed(500)),
];

/** Every rejecting status with every kind of body that real servers send. */
export const HTTP_BEHAVIOURS: readonly Behaviour[] = [
  ...VARIANTS.flatMap((variant) => BODIES.map((body) => behaviour(variant, body))),
  ...SINGLES,
];
