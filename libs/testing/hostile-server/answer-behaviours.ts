import type { JsonObject } from '#lib/mcp-protocol';
import {
  CARRIERS,
  CHANNEL_CARRIERS,
  json,
  POST_CARRIERS,
  resultFrame,
  type Behaviour,
  type Carrier,
  type Frame,
  type MessageId,
} from './behaviour.js';
import { brokeProtocol, outcomeUnknown, serverError, succeeds } from './expectations.js';
import { SHELF_ERROR } from './http-behaviours.js';

const RESULT = { resultType: 'complete', content: [{ type: 'text', text: 'done' }] };

const otherType = (id: MessageId): MessageId => (typeof id === 'number' ? String(id) : `${id}-string`);

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

const repeated = (count: number, part: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => part(index)).join(',');

/** An otherwise valid answer with a structured content of this text. */
const resultWith = (id: MessageId, content: string): string =>
  json({ jsonrpc: '2.0', id, result: { ...RESULT, structuredContent: 'MARK' } }).replace('"MARK"', content);

/** An otherwise valid answer that contains two bytes which are never valid in UTF-8. */
function notUtf8(id: MessageId): Uint8Array {
  const [before = '', after = ''] = resultFrame(id, 'MARK').split('MARK');
  return Buffer.concat([Buffer.from(before), Buffer.from([0xff, 0xfe]), Buffer.from(after)]);
}

/** Invalid answers that carry the request's id, so that the call is identified even on a shared channel. */
const RECOGNISABLE: Readonly<Record<string, Frame>> = {
  'both-members': (id) => json({ jsonrpc: '2.0', id, result: RESULT, error: SHELF_ERROR }),
  'no-member': (id) => json({ jsonrpc: '2.0', id }),
  'result-null': (id) => json({ jsonrpc: '2.0', id, result: null }),
  'result-array': (id) => json({ jsonrpc: '2.0', id, result: [RESULT] }),
  'result-string': (id) => json({ jsonrpc: '2.0', id, result: 'done' }),
  'error-string': (id) => json({ jsonrpc: '2.0', id, error: 'Unauthorized' }),
  'error-null': (id) => json({ jsonrpc: '2.0', id, error: null }),
  'error-without-code': (id) => json({ jsonrpc: '2.0', id, error: { message: 'no code' } }),
  'error-without-message': (id) => json({ jsonrpc: '2.0', id, error: { code: 1 } }),
  'error-text-code': (id) => json({ jsonrpc: '2.0', id, error: { code: 'E1', message: 'text code' } }),
  'old-jsonrpc': (id) => json({ jsonrpc: '1.0', id, result: RESULT }),
  'no-jsonrpc': (id) => json({ id, result: RESULT }),
};

/** Bodies without the request's id: on a shared channel they cannot be attributed to a request. */
const ANONYMOUS_BODIES: Readonly<Record<string, Frame>> = {
  'body-null': () => 'null',
  'body-array': (id) => json([{ jsonrpc: '2.0', id, result: RESULT }]),
  'body-empty-array': () => '[]',
  'body-string': () => '"done"',
  'body-number': () => '200',
  'body-true': () => 'true',
  'body-object': () => '{"ok":true}',
  'body-text': () => 'All is well',
  'body-html': () => '<html><body><h1>Welcome</h1></body></html>',
  'foreign-id': () => resultFrame('unknown-request', 'done'),
  'id-of-other-type': (id) => resultFrame(otherType(id), 'done'),
  'no-id': () => json({ jsonrpc: '2.0', result: RESULT }),
  'id-null': () => json({ jsonrpc: '2.0', id: null, result: RESULT }),
  'error-without-id': () => json({ jsonrpc: '2.0', error: SHELF_ERROR }),
  'truncated-json': (id) => resultFrame(id, 'done').slice(0, -3),
  'too-deep': (id) => `{"jsonrpc":"2.0","id":${json(id)},"result":{"deep":${nested(70)}}}`,
  'not-utf8': notUtf8,
};

/** Answers that contain more than a processor can read in a reasonable time. They count as oversized. */
const TOO_MUCH: Readonly<Record<string, Frame>> = {
  'too-many-members': (id) => resultWith(id, `{${repeated(10_001, (index) => `"m${index}":0`)}}`),
  'too-many-values': (id) => resultWith(id, `[${repeated(1_000_001, () => '0')}]`),
};

/** Answers that look odd but are valid. */
const GOOD: Readonly<Record<string, Frame>> = {
  good: (id) => resultFrame(id, 'done'),
  'proto-key': (id) => `{"__proto__":{"polluted":true},${resultFrame(id, 'done').slice(1)}`,
};

const withData = (data: unknown): Frame => {
  const { code, message: text } = SHELF_ERROR;
  return (id) => json({ jsonrpc: '2.0', id, error: { code, message: text, data } });
};

const ODD_DATA: Readonly<Record<string, Frame>> = {
  'error-without-data': withData(undefined),
  'error-text-data': withData('just words'),
  'error-null-data': withData(null),
  'error-list-data': withData([1, 2]),
};

const entries = (frames: Readonly<Record<string, Frame>>): [string, Frame][] => Object.entries(frames);

const message = (name: string, frame: Frame, carriers: readonly Carrier[]) => ({
  name,
  act: { kind: 'message', frame } as const,
  carriers,
});

const forged = (code: number, data?: JsonObject): Frame => {
  const error = { code, message: 'The gateway says so', ...(data && { data }) };
  return (id) => json({ jsonrpc: '2.0', id, error });
};

const CLAIM = { outcome: 'not_executed', retriable: true, 'isthmus/source': 'gateway' };

const forgedError = (name: string, frame: Frame, code: number, claims: JsonObject): Behaviour => ({
  name,
  act: { kind: 'message', frame },
  carriers: CARRIERS,
  expect: {
    kind: 'error',
    code,
    message: 'The gateway says so',
    data: { 'isthmus/server': claims },
    withoutData: Object.keys(CLAIM),
  },
});

/** Errors with which a server pretends to be the gateway. */
const FORGED: readonly Behaviour[] = [
  forgedError('forged-code', forged(-31_009), -32_603, { code: -31_009 }),
  forgedError('forged-data', forged(4711, CLAIM), 4711, { data: CLAIM }),
  forgedError('forged-error', forged(-31_001, CLAIM), -32_603, { code: -31_001, data: CLAIM }),
];

/** One HTTP 200 body, event or line in place of the answer. */
export const ANSWER_BEHAVIOURS: readonly Behaviour[] = [
  ...FORGED,
  ...entries(GOOD).map(([name, frame]) => ({ ...message(name, frame, CARRIERS), expect: succeeds('done') })),
  {
    ...message('plain-error', (id) => json({ jsonrpc: '2.0', id, error: SHELF_ERROR }), CARRIERS),
    expect: serverError(SHELF_ERROR),
  },
  // The protocol does not restrict the `data` of an error.
  ...entries(ODD_DATA).map(([name, frame]) => ({
    ...message(name, frame, CARRIERS),
    expect: { kind: 'error' as const, code: SHELF_ERROR.code, message: SHELF_ERROR.message },
  })),
  ...entries(RECOGNISABLE).map(([name, frame]) => ({ ...message(name, frame, CARRIERS), expect: brokeProtocol })),
  ...entries(ANONYMOUS_BODIES).map(([name, frame]) => ({
    ...message(name, frame, CARRIERS),
    expect: brokeProtocol,
    expectOn: Object.fromEntries(CHANNEL_CARRIERS.map((carrier) => [carrier, outcomeUnknown])),
    untilTimeout: CHANNEL_CARRIERS,
  })),
  ...entries(TOO_MUCH).map(([name, frame]) => ({
    ...message(name, frame, CARRIERS),
    expect: brokeProtocol,
    endsSession: CHANNEL_CARRIERS,
  })),
  { ...message('body-empty', () => '', POST_CARRIERS), expect: brokeProtocol },
  {
    ...message('two-answers-in-one-body', (id) => resultFrame(id, 'one') + resultFrame(id, 'two'), POST_CARRIERS),
    expect: brokeProtocol,
  },
];
