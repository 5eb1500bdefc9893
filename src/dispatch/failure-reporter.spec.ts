import { describe, expect, it } from '@jest/globals';
import { failure, isJsonObject, type Outcome } from '#lib/mcp-protocol';
import { FailureReporter } from './failure-reporter.js';

const CONTEXT = { method: 'tools/call', endpoint: 'default' };
const DATA = { outcome: 'not_executed', retriable: true };

const failed = (data: object, httpStatus?: number): Outcome =>
  failure({ code: -31004, message: 'Upstream is down', data: { ...DATA, ...data } }, httpStatus);

function requestIdOf(outcome: Outcome): unknown {
  const data = outcome.kind === 'error' ? outcome.error.data : undefined;
  return isJsonObject(data) ? data['requestId'] : undefined;
}

describe('the request id of a failed call', () => {
  const reporter = new FailureReporter();

  it('is new for a call that failed at this worker', () => {
    const ids = [1, 2].map(() => requestIdOf(reporter.withRequestId(CONTEXT, failed({}, 502))));
    expect(ids).toEqual([expect.any(String), expect.any(String)]);
    expect(new Set(ids).size).toBe(2);
  });

  it('is the id of the request to the other worker for a call that failed there', () => {
    const outcome = reporter.withRequestId(CONTEXT, failed({ requestId: 'between workers' }, 502));
    expect(requestIdOf(outcome)).toBe('between workers');
  });

  it('is never chosen by a server', () => {
    const outcome = reporter.withRequestId(CONTEXT, failed({ requestId: 'chosen by the server' }));
    expect(requestIdOf(outcome)).not.toBe('chosen by the server');
  });
});
