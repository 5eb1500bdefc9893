import { describe, expect, it } from '@jest/globals';
import { GatewayError } from './gateway-error.js';
import { OutcomeError } from './outcome-error.js';

describe('OutcomeError', () => {
  it("preserves the outcome of a server's own error, which has no HTTP status", () => {
    const outcome = { kind: 'error', error: { code: -32602, message: 'Unknown tool', data: { name: 'x' } } } as const;
    const thrown = new OutcomeError(outcome);
    expect(thrown.toOutcome()).toBe(outcome);
    expect(thrown.toRpcError()).toBe(outcome.error);
    expect(thrown).toMatchObject({ code: -32602, message: 'Unknown tool', httpStatus: 502, name: 'OutcomeError' });
  });

  it('is a GatewayError and carries the HTTP status of its outcome', () => {
    const error = { code: -31002, message: 'gone', data: { outcome: 'unknown', retriable: false } };
    const thrown = new OutcomeError({ kind: 'error', error, httpStatus: 504 });
    expect(thrown).toBeInstanceOf(GatewayError);
    expect(thrown.httpStatus).toBe(504);
  });
});
