import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { CallProgress } from './call-progress.js';

/** Work that ends when the spec says so. */
function work() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { run: () => promise, finish: resolve };
}

describe('the times of a request', () => {
  it('count concurrent servers once', async () => {
    const clock = new ManualClock();
    const progress = new CallProgress(clock);
    const [first, second] = [work(), work()];
    await clock.advance(5);
    const working = [progress.whileServerWorks(first.run)];
    await clock.advance(10);
    working.push(progress.whileServerWorks(second.run));
    await clock.advance(10);
    first.finish();
    await working[0];
    await clock.advance(10);
    second.finish();
    await working[1];
    await clock.advance(7);
    expect(progress.toReport()).toEqual({ serverMs: 30, clientMs: 0 });
  });

  it('count the time of an open question for the client, although the server has not answered yet', async () => {
    const clock = new ManualClock();
    const progress = new CallProgress(clock);
    const [call, question] = [work(), work()];
    const working = progress.whileServerWorks(call.run);
    await clock.advance(10);
    const asking = progress.whileClientAnswers(question.run);
    await clock.advance(1_000);
    question.finish();
    await asking;
    await clock.advance(20);
    call.finish();
    await working;
    expect(progress.toReport()).toEqual({ serverMs: 30, clientMs: 1_000 });
  });

  it('contain work that is not finished yet', async () => {
    const clock = new ManualClock();
    const progress = new CallProgress(clock);
    void progress.whileServerWorks(work().run);
    await clock.advance(10);
    expect(progress.toReport().serverMs).toBe(10);
  });

  it('end with work that fails', async () => {
    const clock = new ManualClock();
    const progress = new CallProgress(clock);
    await expect(progress.whileServerWorks(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await clock.advance(10);
    expect(progress.toReport().serverMs).toBe(0);
  });

  it('include what another worker reports, and ignore a report that is none', () => {
    const progress = new CallProgress(new ManualClock());
    progress.addReport({ serverMs: 5, clientMs: 2, serverEra: 'modern', serverRevision: 'r' });
    for (const report of [undefined, null, 'x', { serverMs: 'x', clientMs: -1, serverEra: 'other' }])
      progress.addReport(report);
    expect(progress.toReport()).toEqual({ serverMs: 5, clientMs: 2, serverEra: 'modern', serverRevision: 'r' });
  });
});

describe('what guardrails did to a request', () => {
  it('is recorded once each, in their order, up to 16 short texts', () => {
    const progress = new CallProgress(new ManualClock());
    expect(progress.guardrails).toBeUndefined();
    for (const text of ['one: refused', 'one: refused', `two: ${'x'.repeat(200)}`]) progress.recordGuardrail(text);
    expect(progress.guardrails).toEqual(['one: refused', `two: ${'x'.repeat(95)}`]);
    for (let number = 0; number < 20; number += 1) progress.recordGuardrail(`more-${number}: changed`);
    expect(progress.guardrails).toHaveLength(16);
  });

  it('is part of the report to another worker, which ignores what is no text', () => {
    const [owner, receiver] = [new CallProgress(new ManualClock()), new CallProgress(new ManualClock())];
    owner.recordGuardrail('one: refused');
    receiver.addReport(JSON.parse(JSON.stringify(owner.toReport())));
    receiver.addReport({ guardrails: [7, null, { one: 'refused' }, 'two: changed'] });
    receiver.addReport({ guardrails: 'three: changed' });
    expect(receiver.guardrails).toEqual(['one: refused', 'two: changed']);
  });
});
