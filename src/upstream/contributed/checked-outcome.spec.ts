import { expect, it } from '@jest/globals';
import { toCheckedOutcome } from './checked-outcome.js';

const check = (value: unknown) => toCheckedOutcome(value, 'oslo', 10_000);

it('lets no returned error speak for the gateway', () => {
  const claimed = { code: -31004, message: 'busy', data: { outcome: 'not_executed', retriable: true, line: 2 } };
  const outcome = check({ kind: 'error', error: claimed, httpStatus: 502 });
  expect(outcome).toEqual({
    kind: 'error',
    error: {
      code: -32603,
      message: 'busy',
      data: { line: 2, 'isthmus/server': { code: -31004, data: { outcome: 'not_executed', retriable: true } } },
    },
  });
});

it('moves members of the gateway out of a result', () => {
  const outcome = check({ kind: 'result', result: { content: [], _meta: { 'isthmus/server-ms': 1, own: 2 } } });
  expect(outcome).toEqual({
    kind: 'result',
    result: { content: [], _meta: { own: 2, 'isthmus/server': { 'isthmus/server-ms': 1 } } },
  });
});

it('leaves other errors of a server as they are', () => {
  const error = { code: -32602, message: 'no such tool', data: { tool: 'x' } };
  expect(check({ kind: 'error', error })).toEqual({ kind: 'error', error });
});
