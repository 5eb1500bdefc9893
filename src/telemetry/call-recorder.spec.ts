import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { CallRecord } from '#lib/extension-kit';
import { failure, result } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { WorkerId } from '../workers/index.js';
import { CallRecorder } from './call-recorder.js';
import { NoTracer } from './tracing/index.js';
import type { TrackedCall } from './tracked-call.js';

const START = { receivedAt: 0, transport: 'mcp', endpoint: 'default', method: 'tools/call' } as const;
const OK = { httpStatus: 200 };

function world() {
  const clock = new ManualClock();
  const recorder = new CallRecorder(new WorkerId(), clock, new NoTracer());
  const records: CallRecord[] = [];
  const begin = (): TrackedCall => recorder.begin({ ...START, receivedAt: recorder.now() });
  return { clock, recorder, records, begin, sink: { record: (record: CallRecord) => void records.push(record) } };
}

beforeEach(() => {
  Logger.overrideLogger(false);
});

afterEach(() => {
  jest.restoreAllMocks();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

describe('CallRecorder', () => {
  it('passes a record to the other sinks when one of them fails, and does not fail the call', () => {
    const { recorder, records, begin, sink } = world();
    const failing = () => {
      throw new Error('The disk is full.');
    };
    recorder.addSink({ record: failing });
    recorder.addSink(sink);
    expect(() => begin().end(result({}), OK)).not.toThrow();
    expect(records).toHaveLength(1);
  });

  it('makes one record of a call that ends twice', () => {
    const { recorder, records, begin, sink } = world();
    recorder.addSink(sink);
    const call = begin();
    call.end(result({}), OK);
    call.end(failure({ code: 1, message: 'late' }), OK);
    expect(records).toMatchObject([{ outcome: 'executed' }]);
  });

  it('reports the times of arrival and of each share', async () => {
    const { clock, recorder, records, begin, sink } = world();
    recorder.addSink(sink);
    const call = begin();
    const arrived = clock.now();
    await clock.advance(3);
    const working = call.whileServerWorks(() => clock.sleep(40));
    await clock.advance(40);
    await working;
    await clock.advance(2);
    call.end(result({}), OK);
    expect(records).toMatchObject([{ at: arrived, totalMs: 45, ownMs: 5, serverMs: 40, clientMs: 0 }]);
  });

  it('reports an unknown outcome for a defect of the gateway, wherever the call was', () => {
    const { recorder, records, begin, sink } = world();
    recorder.addSink(sink);
    begin().end(failure({ code: -32603, message: 'Internal error' }, 500), { httpStatus: 500 });
    expect(records).toMatchObject([{ outcome: 'unknown', isGatewayError: true }]);
  });
});
