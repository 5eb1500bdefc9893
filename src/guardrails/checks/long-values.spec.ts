import { describe, expect, it } from '@jest/globals';
import type { GuardrailCheck, GuardrailPhase } from '#lib/extension-kit';
import { DenyCheck } from './deny/index.js';
import { InjectionCheck } from './injection/index.js';
import { PersonalDataCheck } from './personal-data/index.js';
import { SecretsCheck } from './secrets/index.js';
import { createSubject, textResult } from './subject-fixture.js';

type Case = readonly [name: string, phase: GuardrailPhase, check: GuardrailCheck, options: object, part: string];

/** Texts that are the slowest for a check: they consist of beginnings of what it searches for. */
const CASES: readonly Case[] = [
  ['personal-data', 'results', new PersonalDataCheck(), {}, '4 '],
  ['secrets', 'results', new SecretsCheck(), {}, 'pwd: '],
  ['injection', 'results', new InjectionCheck(), {}, 'send '],
  ['deny', 'arguments', new DenyCheck(), { rules: [{ presets: ['internal-url'] }] }, '//é.b'],
];

const LENGTH = 1_000_000;

function judgeLong([, phase, check, options, part]: Case, signal: AbortSignal, length = LENGTH) {
  const value = textResult(part.repeat(length / part.length));
  return check.check(createSubject(value, { phase, signal }), options);
}

/** Counts the turns of the event loop until it is stopped. */
function countTurns(): { readonly turns: () => number; readonly stop: () => void } {
  let turns = 0;
  let next = setImmediate(function count() {
    turns += 1;
    next = setImmediate(count);
  });
  return { turns: () => turns, stop: () => clearImmediate(next) };
}

describe.each(CASES)('%s', (...each) => {
  it('lets the event loop turn while it judges a hostile value of a million characters', async () => {
    const { turns, stop } = countTurns();
    const verdict = await judgeLong(each, new AbortController().signal);
    stop();
    expect(verdict).toEqual({ action: 'pass' });
    expect(turns()).toBeGreaterThan(3);
  });

  it('ends when its signal is aborted', async () => {
    const control = new AbortController();
    const { turns, stop } = countTurns();
    const verdict = judgeLong(each, control.signal);
    const reason = new Error('the deadline has passed');
    setImmediate(() => control.abort(reason));
    await expect(verdict).rejects.toBe(reason);
    stop();
    expect(turns()).toBeLessThanOrEqual(3);
  });

  it('fails for a text that is too long to be read', () => {
    expect(() => judgeLong(each, new AbortController().signal, 2_200_000)).toThrow(/more text than a guardrail reads/);
  });
});
