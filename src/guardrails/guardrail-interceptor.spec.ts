import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { GuardrailPhase } from '#lib/extension-kit';
import { failure, result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { WordCheck } from '../../test/support/guarding-checks.js';
import { InterceptionWorld, REPETITION } from '../interception/testing.js';
import { guardedBy, guardrailOf } from './guardrail-fixture.js';

const WORD = 'swordfish';
const MASK = { word: WORD, replacement: '***' };
const REFUSE = { word: WORD };
const FORM = { method: 'elicitation/create', params: { message: 'Who?' } };

let world: InterceptionWorld;

beforeEach(() => {
  world = new InterceptionWorld();
});

afterEach(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

/** The outcome of a call of a modern client, whose server answers so. */
function runModern(given: Outcome, phase: GuardrailPhase, options: object, answers: JsonObject = {}) {
  const received: JsonObject[] = [];
  world.respond = async ({ messages }) => (await messages?.onOutcome?.(given, world.control.signal)) ?? given;
  const serverAnswers = { given: answers, replace: (replaced: JsonObject) => void received.push(replaced) };
  const call = world.executedWith({ clientRepeatsCall: true });
  const { interceptor } = guardedBy(world, [
    guardrailOf(new WordCheck(), { slug: 'no-word', phases: [phase], options }),
  ]);
  const run = world.run([interceptor], { ...call, repetition: { ...REPETITION, serverAnswers } });
  return run.then((outcome) => ({ outcome, received }));
}

describe('a result that asks a modern client', () => {
  const asking = (note: string, who: string) =>
    result({
      resultType: 'input_required',
      note,
      inputRequests: { who: { ...FORM, hint: who } },
      requestState: WORD,
    });

  it('loses what a guardrail masks beside its questions, and keeps questions and state', async () => {
    const { outcome } = await runModern(asking(`my ${WORD}`, WORD), 'results', MASK);
    expect(outcome).toEqual(asking('my ***', '***'));
  });

  it('does not reach the client when a guardrail refuses it, and its call had begun', async () => {
    const { outcome } = await runModern(asking('', WORD), 'results', REFUSE);
    expect(outcome).toMatchObject({
      error: {
        code: -31_013,
        message: 'Guardrail no-word refused the result: it contains a word. The call had begun at its server.',
        data: { outcome: 'unknown', retriable: false },
      },
    });
    expect(JSON.stringify(outcome)).not.toContain(WORD);
  });

  it('is not judged when it has nothing besides its questions and its state', async () => {
    const given = result({ resultType: 'input_required', inputRequests: { who: FORM }, requestState: WORD });
    expect((await runModern(given, 'results', REFUSE)).outcome).toEqual(given);
  });
});

describe('an error of a server', () => {
  const error = { code: -32_000, message: `Bad ${WORD}`, data: { outcome: 'not_executed', key: WORD } };

  it('loses what a guardrail masks, and nothing else', async () => {
    const { outcome } = await runModern(failure(error), 'results', MASK);
    expect(outcome).toEqual(failure({ ...error, message: 'Bad ***', data: { outcome: 'not_executed', key: '***' } }));
  });

  it('that a guardrail refuses is an error that says the same of the call', async () => {
    const { outcome } = await runModern(failure(error), 'results', REFUSE);
    expect(outcome).toMatchObject({
      error: {
        code: -31_013,
        message: 'Guardrail no-word refused the error of the server: it contains a word. The call was not executed.',
        data: { outcome: 'not_executed' },
      },
    });
    expect(JSON.stringify(outcome)).not.toContain(WORD);
  });

  it('passes guardrails of other phases', async () => {
    expect((await runModern(failure(error), 'arguments', REFUSE)).outcome).toEqual(failure(error));
  });
});

describe('the answers that a modern client brings for its server', () => {
  const answers = { who: { action: 'accept', content: { name: WORD } }, why: { action: 'decline' } };

  it('reach it as guardrails change them', async () => {
    const { received } = await runModern(result({}), 'questions', MASK, answers);
    expect(received).toEqual([{ ...answers, who: { action: 'accept', content: { name: '***' } } }]);
  });

  it('stay as they are when guardrails pass them', async () => {
    const { received } = await runModern(result({}), 'questions', MASK, { why: answers.why });
    expect(received).toEqual([]);
  });

  it('are judged, too, when they are no objects', async () => {
    expect((await runModern(result({}), 'questions', MASK, { who: WORD })).received).toEqual([{ who: '***' }]);
  });

  it('do not reach it when a guardrail refuses one', async () => {
    const { outcome } = await runModern(result({}), 'questions', REFUSE, answers);
    expect(outcome).toMatchObject({ error: { code: -31_013, data: { outcome: 'not_executed' } } });
    expect(world.sent).toEqual([]);
    expect(JSON.stringify(outcome)).not.toContain(WORD);
  });
});
