import { describe, expect, it } from '@jest/globals';
import { GatewayError, GuardrailCheck, PASS, type CallerAnswer, type GuardrailSubject } from '#lib/extension-kit';
import { ManualClock } from '#lib/testing/manual-clock';
import { settled } from '../../test/support/fake-upstream.js';
import { createSubject } from './checks/subject-fixture.js';
import { CheckRun, type CheckEnd, type CheckRunOptions } from './check-run.js';

const DEADLINE_MS = 100;

/** A run of a check that does this, and the signal that the check received. */
function start(check: GuardrailCheck['check'], more: Partial<CheckRunOptions> = {}) {
  const clock = new ManualClock();
  let signal: AbortSignal | undefined;
  class Check extends GuardrailCheck {
    override check(subject: GuardrailSubject, options: object) {
      ({ signal } = subject);
      return check(subject, options);
    }
  }
  const control = new AbortController();
  const options = { clock, deadlineMs: DEADLINE_MS, options: {}, toSignal: () => control.signal, ...more };
  const end = new CheckRun(new Check(), options).start(createSubject({ text: 'private' }));
  return { clock, control, end, received: () => signal };
}

const TOO_LATE: CheckEnd = { kind: 'failed', reason: 'it took longer than 100 ms' };
const never = () => new Promise<never>(() => undefined);

describe('a check that takes long', () => {
  it('fails at its deadline, and its signal aborts', async () => {
    const { clock, end, received } = start(never);
    await clock.advance(DEADLINE_MS - 1);
    expect(received()?.aborted).toBe(false);
    await clock.advance(1);
    expect(await end).toEqual(TOO_LATE);
    expect(received()?.aborted).toBe(true);
  });

  it('has failed although it returns a verdict afterwards', async () => {
    const late = Promise.withResolvers<typeof PASS>();
    const { clock, end } = start(() => late.promise);
    await clock.advance(DEADLINE_MS);
    late.resolve(PASS);
    await settled();
    expect(await end).toEqual(TOO_LATE);
  });

  it('does not fail while the caller answers, and has the rest of its time afterwards', async () => {
    const answered = Promise.withResolvers<CallerAnswer>();
    const asking = async ({ call }: GuardrailSubject) => {
      await call?.ask({ message: 'May I?' });
      return never();
    };
    const { clock, end, received } = start(asking, { asking: { ask: () => answered.promise, askAdmin: never } });
    await settled();
    await clock.advance(60_000);
    answered.resolve({ action: 'accept' });
    await settled();
    expect(received()?.aborted).toBe(false);
    await clock.advance(DEADLINE_MS);
    expect(await end).toEqual(TOO_LATE);
  });
});

describe('a check', () => {
  it('that ends in time leaves no timer', async () => {
    const { clock, end } = start(() => PASS);
    expect(await end).toEqual({ kind: 'verdict', verdict: PASS });
    expect(clock.pending).toBe(0);
  });

  it('learns that the client has cancelled the call', async () => {
    const { control, received } = start(never);
    control.abort();
    expect(received()?.aborted).toBe(true);
  });

  it('that may not ask ends where it would, whatever it returns', async () => {
    const { end } = start(async ({ call }) => {
      await call?.ask({ message: 'May I?' }).catch(() => undefined);
      return PASS;
    });
    expect(await end).toEqual({ kind: 'would ask', whom: 'the caller' });
  });

  it('that may not ask an admin ends where it would', async () => {
    const { end } = start(async ({ call }) => {
      await call?.askAdmin({ message: 'It deletes.' }).catch(() => undefined);
      return PASS;
    });
    expect(await end).toEqual({ kind: 'would ask', whom: 'an admin' });
  });

  it('whose caller does not answer ends with the error of the question', async () => {
    const refusal = new GatewayError(-31_009, 'Nobody answered.', 403);
    const { end } = start(
      async ({ call }) => {
        await call?.ask({ message: 'May I?' });
        return PASS;
      },
      { asking: { ask: () => Promise.reject(refusal), askAdmin: never } },
    );
    expect(await end).toEqual({ kind: 'unanswered', refusal });
  });

  it.each<[string, unknown, RegExp]>([
    ['an error, of which only the class and the place are known', new TypeError('private'), /^it threw TypeError at /],
    ['no error', 'private', /^it threw a value that is no error$/],
  ])('fails when it throws %s', async (_what, thrown, reason) => {
    const { end } = start(() => {
      throw thrown;
    });
    expect(await end).toEqual({ kind: 'failed', reason: expect.stringMatching(reason) });
    expect(JSON.stringify(await end)).not.toContain('private');
  });

  it('fails when it returns no verdict', async () => {
    const { end } = start(() => ({ action: 'maybe' }) as never);
    expect(await end).toEqual({ kind: 'failed', reason: 'it returned an unknown action' });
  });
});
