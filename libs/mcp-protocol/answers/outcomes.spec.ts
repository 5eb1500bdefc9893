import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isJsonObject } from '../json.js';
import type { RequestId } from '../json-rpc.js';
import type { Outcome } from '../neutral.js';
import { toFaultOutcome, type TransportFault } from './fault-outcome.js';
import type { HttpAnswer } from './http-answer.js';
import { toHttpOutcome } from './http-outcome.js';
import { toMessageOutcome } from './message-outcome.js';

const ID = 7;
const answer = (status: number, body: unknown, more: Partial<HttpAnswer> = {}): HttpAnswer => ({
  status,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  ...more,
});
const ok = (members: object) => ({ jsonrpc: '2.0', id: ID, ...members });
const error = { code: -32602, message: 'Unknown tool', data: { name: 'x' } };

/** The expected form of an error of the gateway. */
const own = (code: number, httpStatus: number, message: unknown, data: object) => ({
  kind: 'error',
  error: { code, message, data },
  httpStatus,
});
const broken = own(-31005, 502, expect.stringMatching(/^Upstream broke the protocol: the answer .+\.$/), {
  outcome: 'unknown',
  retriable: false,
});

describe('an HTTP answer', () => {
  it('is a success with the id of the request and a result that is an object', () => {
    const result = { content: [], isError: true };
    expect(toHttpOutcome(answer(200, ok({ result })), ID)).toStrictEqual({ kind: 'result', result });
    expect(toHttpOutcome(answer(202, ok({ result: {} })), ID)).toStrictEqual({ kind: 'result', result: {} });
    expect(toHttpOutcome(answer(200, ok({ id: 'a', result: {} })), 'a')).toStrictEqual({ kind: 'result', result: {} });
  });

  it('with a JSON-RPC error passes the error of the server unchanged, whatever its status', () => {
    for (const status of [200, 400, 401, 403, 404, 429, 500, 502, 503]) {
      expect(toHttpOutcome(answer(status, ok({ error })), ID)).toStrictEqual({ kind: 'error', error });
    }
    expect(toHttpOutcome(answer(400, { jsonrpc: '2.0', id: null, error }), ID)).toStrictEqual({ kind: 'error', error });
  });

  it.each<[string, unknown]>([
    ['null', 'null'],
    ['a number', '5'],
    ['a text', '"ok"'],
    ['an array', [ok({ result: {} })]],
    ['an empty object', {}],
    ['nothing', ''],
    ['blanks', '  \n'],
    ['HTML', '<html><body>Sign in</body></html>'],
    ['half of the answer', JSON.stringify(ok({ result: { a: 1 } })).slice(0, -3)],
    ['two answers', `${JSON.stringify(ok({ result: {} }))}\n${JSON.stringify(ok({ result: {} }))}`],
    ['an answer that is too deep', `{"jsonrpc":"2.0","id":7,"result":{"a":${'['.repeat(64)}${']'.repeat(64)}}}`],
    ['no id', { jsonrpc: '2.0', result: {} }],
    ['a null id', ok({ id: null, result: {} })],
    ['a foreign id', ok({ id: 8, result: {} })],
    ['the id of the request as a string', ok({ id: '7', result: {} })],
    ['a foreign id and an error', ok({ id: 8, error })],
    ['a null id and an error', ok({ id: null, error })],
    ['another protocol', { id: ID, result: {} }],
    ['a request', ok({ method: 'ping' })],
    ['a request with a result', ok({ method: 'ping', result: {} })],
    ['both result and error', ok({ result: {}, error })],
    ['a result and a null error', ok({ result: {}, error: null })],
    ['neither', ok({})],
    ['a null result', ok({ result: null })],
    ['a result that is a list', ok({ result: [] })],
    ['a result that is a text', ok({ result: 'ok' })],
    ['a result that is a large number', '{"jsonrpc":"2.0","id":7,"result":12345678901234567890}'],
    ['an error that is a text', ok({ error: 'Unauthorized' })],
    ['an error without code', ok({ error: { message: 'x' } })],
    ['an error with a code that is a text', ok({ error: { code: '401', message: 'x' } })],
    ['an error without message', ok({ error: { code: 1 } })],
  ])('of status 200 with %s is a protocol violation', (_what, body) => {
    expect(toHttpOutcome(answer(200, body), ID)).toStrictEqual(broken);
  });

  it.each<[string, HttpAnswer, string]>([
    ['detail', answer(422, { message: 'b', detail: 'a' }), 'Upstream answered HTTP 422: a'],
    [
      'message',
      answer(500, { statusCode: 500, message: 'Oops', error: 'Internal' }),
      'Upstream answered HTTP 500: Oops',
    ],
    [
      'error_description',
      answer(401, { error: 'e', error_description: 'expired' }),
      'Upstream answered HTTP 401: expired',
    ],
    ['a string error', answer(401, { error: 'invalid_token' }), 'Upstream answered HTTP 401: invalid_token'],
    ['title', answer(404, { title: 'Not here', detail: { a: 1 } }), 'Upstream answered HTTP 404: Not here'],
    [
      'nothing that is text',
      answer(404, { detail: {}, error: { code: 'x' } }),
      'Upstream answered HTTP 404: Not Found',
    ],
    ['a JSON-RPC result', answer(500, ok({ result: {} })), 'Upstream answered HTTP 500: Internal Server Error'],
    ['null', answer(502, 'null'), 'Upstream answered HTTP 502: null'],
    ['an array', answer(502, '["a"]'), 'Upstream answered HTTP 502: ["a"]'],
    ['text', answer(502, 'bad\r\n\u001b[31mgateway\u0000'), 'Upstream answered HTTP 502: bad [31mgateway'],
    ['HTML', answer(403, '<h1>Forbidden</h1>'), 'Upstream answered HTTP 403: <h1>Forbidden</h1>'],
    ['a long text', answer(500, 'x'.repeat(5000)), `Upstream answered HTTP 500: ${'x'.repeat(200)}`],
    [
      'nothing, and a phrase',
      answer(418, '', { statusText: "I'm a Teapot" }),
      "Upstream answered HTTP 418: I'm a Teapot",
    ],
    ['nothing at all', answer(503, ''), 'Upstream answered HTTP 503: Service Unavailable'],
    ['nothing, of an unknown status', answer(599, ''), 'Upstream answered HTTP 599'],
    ['a redirect', answer(307, ''), 'Upstream answered HTTP 307: Temporary Redirect'],
  ])('without success status takes its reason from %s', (_what, given, message) => {
    expect(toHttpOutcome(given, ID)).toMatchObject({
      kind: 'error',
      error: { code: -31004, message },
      httpStatus: 502,
    });
  });

  it.each([
    [401, 'not_executed', false],
    [403, 'not_executed', false],
    [404, 'not_executed', false],
    [405, 'not_executed', false],
    [406, 'not_executed', false],
    [413, 'not_executed', false],
    [414, 'not_executed', false],
    [415, 'not_executed', false],
    [431, 'not_executed', false],
    [429, 'not_executed', true],
    [302, 'unknown', false],
    [400, 'unknown', false],
    [408, 'unknown', false],
    [500, 'unknown', false],
    [502, 'unknown', false],
    [503, 'unknown', false],
    [504, 'unknown', false],
  ])('of status %i has the outcome %s (retriable: %s)', (status, outcome, retriable) => {
    const data = { outcome, retriable, httpStatus: status };
    expect(toHttpOutcome(answer(status, ''), ID)).toStrictEqual(own(-31004, 502, expect.any(String), data));
  });

  it('keeps the challenge of a 401, and of no other status', () => {
    const wwwAuthenticate =
      'Bearer resource_metadata="https://auth.example.com/.well-known/oauth-protected-resource/mcp"';
    expect(toHttpOutcome(answer(401, '', { wwwAuthenticate }), ID)).toMatchObject({
      error: { data: { wwwAuthenticate } },
    });
    expect(toHttpOutcome(answer(403, '', { wwwAuthenticate }), ID)).not.toHaveProperty('error.data.wwwAuthenticate');
  });

  it('keeps the delay of Retry-After, in seconds or as a date', () => {
    const refused = { outcome: 'not_executed', retriable: true };
    for (const status of [429, 503]) {
      expect(toHttpOutcome(answer(status, '', { retryAfter: '3' }), ID)).toMatchObject({
        error: { data: { ...refused, retryAfterMs: 3000 } },
      });
    }
    const past = { retryAfter: 'Wed, 21 Oct 2015 07:28:00 GMT' };
    expect(toHttpOutcome(answer(503, '', past), ID)).toHaveProperty('error.data.retryAfterMs', 0);
    const endless = { retryAfter: '9'.repeat(400) };
    expect(toHttpOutcome(answer(503, '', endless), ID)).toHaveProperty('error.data.retryAfterMs', 86_400_000);
    const vague = toHttpOutcome(answer(503, '', { retryAfter: '12.5 soon' }), ID);
    expect(vague).toMatchObject({ error: { data: refused } });
    expect(vague).not.toHaveProperty('error.data.retryAfterMs');
  });
});

describe('an arbitrary answer of a server', () => {
  const member = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>('2.0', ID, {}, error, null, 8, 'ping'),
  );
  const envelope = fc.record(
    {
      jsonrpc: fc.constantFrom<unknown>('2.0', '2.0', '1.0', 2),
      id: fc.constantFrom<unknown>(ID, ID, 8, '7', null),
      method: member,
      result: member,
      error: member,
    },
    { requiredKeys: [] },
  );
  const text = fc.oneof(
    fc.string(),
    fc.jsonValue().map((value) => JSON.stringify(value)),
    envelope.map((value) => JSON.stringify(value)),
    fc.tuple(envelope, fc.nat(60)).map(([value, cut]) => JSON.stringify(value).slice(0, cut)),
  );
  const anyAnswer = fc.record(
    {
      status: fc.oneof(fc.constantFrom(200, 200, 202, 401, 500), fc.integer({ min: 100, max: 599 })),
      body: text,
      statusText: fc.string(),
      contentType: fc.string(),
      wwwAuthenticate: fc.string(),
      retryAfter: fc.oneof(fc.string(), fc.nat().map(String)),
    },
    { requiredKeys: ['status', 'body'] },
  );

  it('is a success only with 2xx, the id of the request and exactly one result that is an object', () => {
    fc.assert(
      fc.property(anyAnswer, (given) => {
        const outcome = toHttpOutcome(given, ID);
        expectWellFormed(outcome);
        expect(outcome.kind === 'result').toBe(isSuccess(given.status, given.body));
      }),
      { numRuns: 3000 },
    );
  });

  it('is a success on a stream only with the id of the request and exactly one result that is an object', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), envelope), (value) => {
        const outcome = toMessageOutcome(value, ID);
        expectWellFormed(outcome);
        expect(outcome.kind === 'result').toBe(isSuccess(200, JSON.stringify(value)));
      }),
      { numRuns: 1000 },
    );
  });

  function isSuccess(status: number, body: string): boolean {
    try {
      const value: unknown = JSON.parse(body);
      return (
        status >= 200 &&
        status < 300 &&
        isJsonObject(value) &&
        value['jsonrpc'] === '2.0' &&
        value['id'] === ID &&
        isJsonObject(value['result']) &&
        !('error' in value) &&
        !('method' in value)
      );
    } catch {
      return false;
    }
  }

  function expectWellFormed(outcome: Outcome): void {
    if (outcome.kind === 'result') return;
    expect(Number.isInteger(outcome.error.code)).toBe(true);
    expect(typeof outcome.error.message).toBe('string');
    if (outcome.httpStatus === undefined) return;
    expect(outcome.error.message).not.toMatch(/\p{Cc}/u);
    expect(outcome.error.message.length).toBeLessThan(300);
    expect(outcome.error.data).toMatchObject({
      outcome: expect.stringMatching(/^(not_executed|unknown)$/),
      retriable: expect.any(Boolean),
    });
  }
});

describe('a transport fault', () => {
  it.each<[TransportFault, number, number, string, boolean]>([
    ['refused', -31004, 502, 'not_executed', true],
    ['lost', -31002, 504, 'unknown', false],
    ['timeout', -31002, 504, 'unknown', false],
    ['aborted', -31002, 504, 'unknown', false],
    ['cut', -31005, 502, 'unknown', false],
    ['too_large', -31005, 502, 'unknown', false],
  ])(
    '%s becomes error %i with HTTP %i and the outcome %s (retriable: %s)',
    (fault, code, status, outcome, retriable) => {
      const expected = own(code, status, expect.not.stringContaining('10.0.0.7'), { outcome, retriable });
      expect(toFaultOutcome(fault, 'connect ECONNREFUSED 10.0.0.7:3000')).toStrictEqual(expected);
      expect(toFaultOutcome(fault)).toMatchObject({ error: { code, message: expect.not.stringMatching(/[: ]$/) } });
    },
  );
});

it('a JSON-RPC response may have a string or a number as its id', () => {
  const ids: RequestId[] = [0, -1, '', 'a', Number.MAX_SAFE_INTEGER];
  for (const id of ids) expect(toMessageOutcome({ jsonrpc: '2.0', id, result: {} }, id).kind).toBe('result');
});
