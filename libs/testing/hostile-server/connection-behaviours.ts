import { gzipSync } from 'node:zlib';
import { CARRIERS, HTTP_CARRIERS, POST_CARRIERS, resultFrame, type Behaviour, type Carrier } from './behaviour.js';
import { brokeProtocol, outcomeUnknown, sessionLost, succeeds, upstreamFailed } from './expectations.js';

const event = (data: string): string => `event: message\ndata: ${data}\n\n`;

/** Valid answers with a wrong content type, and content types without a body. */
const LABELS: readonly Behaviour[] = [
  {
    name: 'json-called-html',
    act: { kind: 'http', status: 200, headers: { 'content-type': 'text/html' }, body: (id) => resultFrame(id, 'done') },
    carriers: POST_CARRIERS,
    // The body counts, not its content type: it is the server's answer to this request.
    expect: succeeds('done'),
  },
  {
    name: 'json-called-events',
    act: {
      kind: 'http',
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      body: (id) => resultFrame(id, 'done'),
    },
    carriers: POST_CARRIERS,
    expect: brokeProtocol,
  },
  {
    name: 'events-called-json',
    act: {
      kind: 'http',
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: (id) => event(resultFrame(id, 'done')),
    },
    carriers: POST_CARRIERS,
    expect: brokeProtocol,
  },
  {
    name: 'gzip-unasked',
    act: {
      kind: 'http',
      status: 200,
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: (id) => gzipSync(resultFrame(id, 'done')),
    },
    carriers: POST_CARRIERS,
    expect: succeeds('done'),
  },
  {
    name: 'created',
    act: {
      kind: 'http',
      status: 201,
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: (id) => resultFrame(id, 'done'),
    },
    carriers: POST_CARRIERS,
    expect: succeeds('done'),
  },
  ...[200, 202, 204].map((status): Behaviour => ({
    name: `status-${status}-nothing`,
    act: { kind: 'http', status, body: () => '' },
    carriers: POST_CARRIERS,
    expect: brokeProtocol,
  })),
];

const REDIRECTS: readonly Behaviour[] = [301, 302, 303, 307, 308].flatMap((status) =>
  (['same-origin', 'other-origin'] as const).map((to): Behaviour => ({
    name: `redirect-${status}-${to}`,
    act: { kind: 'redirect', status, to },
    carriers: HTTP_CARRIERS,
    expect: upstreamFailed(status),
  })),
);

const STDIO: readonly Carrier[] = ['stdio-legacy', 'stdio-modern'];

const FAULTS: readonly Behaviour[] = [
  { name: 'reset', act: { kind: 'connection', fault: 'reset' }, carriers: HTTP_CARRIERS, expect: outcomeUnknown },
  { name: 'garbage', act: { kind: 'connection', fault: 'garbage' }, carriers: HTTP_CARRIERS, expect: outcomeUnknown },
  { name: 'short-body', act: { kind: 'connection', fault: 'short' }, carriers: POST_CARRIERS, expect: brokeProtocol },
  {
    name: 'silence',
    act: { kind: 'connection', fault: 'silence' },
    carriers: CARRIERS,
    expect: outcomeUnknown,
    untilTimeout: CARRIERS,
  },
  { name: 'big-answer', act: { kind: 'connection', fault: 'big' }, carriers: POST_CARRIERS, expect: brokeProtocol },
  {
    name: 'endless-answer',
    act: { kind: 'connection', fault: 'endless' },
    carriers: CARRIERS,
    expect: brokeProtocol,
    endsSession: ['sse', ...STDIO],
  },
  {
    name: 'endless-event',
    act: { kind: 'stream', steps: ['flood'] },
    carriers: POST_CARRIERS,
    expect: brokeProtocol,
  },
  {
    name: 'endless-comments',
    act: { kind: 'stream', steps: ['comments'] },
    carriers: ['legacy-http', 'modern-http', 'sse'],
    expect: { ...brokeProtocol, message: /comments or empty events/ },
    endsSession: ['sse'],
  },
  {
    name: 'forgotten-session',
    act: { kind: 'forget' },
    carriers: ['legacy-http', 'sse'],
    expect: sessionLost,
    endsSession: ['legacy-http', 'sse'],
  },
];

export const CONNECTION_BEHAVIOURS: readonly Behaviour[] = [...LABELS, ...REDIRECTS, ...FAULTS];
