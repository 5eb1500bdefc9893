import { describe, expect, it } from '@jest/globals';
import { GatewayError } from './gateway-error.js';
import { OutcomeError } from './outcome-error.js';

describe('an outcome that travels as an error', () => {
  it("arrives as it was: a server's own error has no HTTP status of ours", () => {
    const outcome = { kind: 'error', error: { code: -32602, message: 'Unknown tool', data: { name: 'x' } } } as const;
    const thrown = new OutcomeError(outcome);
    expect(thrown.toOutcome()).toBe(outcome);
    expect(thrown.toRpcError()).toBe(outcome.error);
    expect(thrown).toMatchObject({ code: -32602, message: 'Unknown tool', httpStatus: 502, name: 'OutcomeError' });
  });

  it('is caught wherever errors of the gateway are', () => {
    const error = { code: -31002, message: 'gone', data: { outcome: 'unknown', retriable: false } };
    const thrown = new OutcomeError({ kind: 'error', error, httpStatus: 504 });
    expect(thrown).toBeInstanceOf(GatewayError);
    expect(thrown.httpStatus).toBe(504);
  });
});
