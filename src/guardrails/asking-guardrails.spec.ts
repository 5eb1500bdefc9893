import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { GuardrailCheck, PASS, type GuardrailSubject, type GuardrailVerdict } from '#lib/extension-kit';
import { result, type JsonObject } from '#lib/mcp-protocol';
import { settled } from '../../test/support/fake-upstream.js';
import { AskingCheck, WordCheck } from '../../test/support/guarding-checks.js';
import { InterceptionWorld, Repeating } from '../interception/testing.js';
import { ApprovalCheck } from './checks/approval/index.js';
import { guardedBy, guardrailOf } from './guardrail-fixture.js';

const WORD = 'swordfish';
const OPS = { issuer: 'https://id.example', subject: 'ops' };
const MODERN = { revision: '2026-07-28', capabilities: { elicitation: {} } };
const ASKED = result({ resultType: 'input_required' });
const PAID = result({ text: 'paid' });

let world: InterceptionWorld;

beforeEach(() => {
  world = new InterceptionWorld();
});

afterEach(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

const mask = (replacement: string) =>
  guardrailOf(new WordCheck(), { slug: 'mask', options: { word: WORD, replacement } });

/** A call of a modern client, which answers by repeating it. */
function modernCall(args: JsonObject = { to: WORD }) {
  const request = { method: 'tools/call', params: { name: 'pay', arguments: args } };
  return world.executedWith({ client: MODERN, clientRepeatsCall: true, request });
}

/** The arguments that the server has received. */
const sentArguments = () => world.sent.map(({ call }) => call.request.params['arguments']);

async function approve(): Promise<void> {
  const [pending] = await world.approvals.list();
  await world.approvals.decide(pending!, 'approved', OPS, undefined);
}

describe('a guardrail that asks the caller', () => {
  it('has asked in the request that ends with its question, and passed in the repetition with the consent', async () => {
    const { interceptor, decisions } = guardedBy(world, [guardrailOf(new AskingCheck(), { slug: 'asking' })]);
    const repetition = new Repeating();
    const run = () => world.run([interceptor], { ...modernCall(), repetition });
    expect(await run()).toEqual(ASKED);
    expect(decisions()).toEqual(['asking asked 1']);
    expect(world.progress.guardrails).toEqual(['asking: asked']);
    repetition.accept();
    expect(await run()).toEqual(PAID);
    expect(decisions()).toEqual(['asking asked 1', 'asking passed 1']);
  });

  it('has asked although its check turns the question into a refusal', async () => {
    class Catching extends GuardrailCheck {
      override check({ call }: GuardrailSubject): Promise<GuardrailVerdict> {
        const refused = { action: 'refuse', reason: 'nobody answered', findings: [] } as const;
        return call!.ask({ message: 'May I?' }).then(
          () => PASS,
          () => refused,
        );
      }
    }
    const { interceptor, decisions } = guardedBy(world, [guardrailOf(new Catching())]);
    expect(await world.run([interceptor], { ...modernCall(), repetition: new Repeating() })).toEqual(ASKED);
    expect(decisions()).toEqual(['guard asked 1']);
  });

  it('asks for itself: consent to one guardrail is none to another with the same question', async () => {
    const both = ['one', 'other'].map((slug) => guardrailOf(new AskingCheck(), { slug }));
    const { interceptor } = guardedBy(world, both);
    const repetition = new Repeating();
    const run = () => world.run([interceptor], { ...modernCall(), repetition });
    await run();
    const [one] = repetition.accept();
    expect(await run()).toEqual(ASKED);
    const [other, ...more] = repetition.accept();
    expect([one, other, more]).toEqual([expect.stringContaining('one'), expect.stringContaining('other'), []]);
    expect(world.sent).toEqual([]);
    expect(await run()).toEqual(PAID);
  });

  it('asks again about arguments that an earlier guardrail has changed differently since', async () => {
    const repetition = new Repeating();
    const run = (replacement: string) => {
      const { interceptor } = guardedBy(world, [mask(replacement), guardrailOf(new AskingCheck(), { slug: 'asking' })]);
      return world.run([interceptor], { ...modernCall(), repetition });
    };
    await run('***');
    repetition.accept();
    expect(await run('mallory')).toEqual(ASKED);
    expect(world.sent).toEqual([]);
    expect(await run('***')).toEqual(PAID);
    expect(sentArguments()).toEqual([{ to: '***' }]);
  });

  it('asks about each answer for the server: consent to one is none to another', async () => {
    const answers = { who: { action: 'accept', content: { name: 'Ada' } }, boss: { action: 'decline' } };
    const repetition = new Repeating({ given: answers, replace: () => undefined });
    const { interceptor } = guardedBy(world, [guardrailOf(new AskingCheck(), { phases: ['questions'] })]);
    const run = () => world.run([interceptor], { ...modernCall(), repetition });
    await run();
    const first = repetition.accept();
    expect(await run()).toEqual(ASKED);
    expect(repetition.accept()).not.toEqual(first);
    expect(await run()).toEqual(PAID);
  });
});

describe('a guardrail that asks an admin', () => {
  const byAdmin = guardrailOf(new ApprovalCheck(), { slug: 'approved', options: { by: 'admin' } });

  it('shows the arguments that the server will receive, after the changes of earlier guardrails', async () => {
    const { interceptor } = guardedBy(world, [mask('***'), byAdmin]);
    const running = world.run([interceptor], { ...modernCall(), repetition: new Repeating() });
    await settled();
    expect(await world.approvals.list()).toMatchObject([{ arguments: { to: '***' } }]);
    await approve();
    expect(await running).toEqual(PAID);
    expect(sentArguments()).toEqual([{ to: '***' }]);
  });

  it('does not count the approval for arguments that an earlier guardrail has changed differently since', async () => {
    const leave = async (replacement: string) => {
      const client = new AbortController();
      const { interceptor } = guardedBy(world, [mask(replacement), byAdmin]);
      const running = world.run([interceptor], { ...modernCall(), signal: client.signal });
      await settled();
      client.abort();
      await running;
    };
    await leave('***');
    await approve();
    await leave('mallory');
    expect(world.sent).toEqual([]);
    expect((await world.approvals.list()).map(({ arguments: args }) => args)).toEqual(
      expect.arrayContaining([{ to: '***' }, { to: 'mallory' }]),
    );
  });

  it('shows the changed arguments, too, when it asks about an answer for the server', async () => {
    class AnswerApproval extends GuardrailCheck {
      override async check({ call, isAnswer }: GuardrailSubject): Promise<GuardrailVerdict> {
        if (isAnswer) await call!.askAdmin({ message: 'It answers.' });
        return PASS;
      }
    }
    const answering = guardrailOf(new AnswerApproval(), { phases: ['questions'] });
    const { interceptor } = guardedBy(world, [mask('***'), answering]);
    const repetition = new Repeating({ given: { who: { action: 'decline' } }, replace: () => undefined });
    const running = world.run([interceptor], { ...modernCall(), repetition });
    await settled();
    expect(await world.approvals.list()).toMatchObject([{ arguments: { to: '***' } }]);
    await approve();
    await running;
  });
});

describe('a guardrail whose check asks after the call was sent', () => {
  class LateCheck extends GuardrailCheck {
    override async check({ call }: GuardrailSubject): Promise<GuardrailVerdict> {
      await call!.askAdmin({ message: 'Shall I show it?' });
      return PASS;
    }
  }

  it.each([
    ['refuse', { error: { code: -31_013, data: { outcome: 'executed' } } }],
    ['pass', PAID],
  ] as const)('has failed, and its guardrail decides so: %s', async (onFailure, expected) => {
    const late = guardrailOf(new LateCheck(), { phases: ['results'], onFailure });
    const { interceptor, decisions } = guardedBy(world, [late]);
    expect(await world.run([interceptor])).toMatchObject(expected);
    expect(decisions()).toEqual(['guard failed 1']);
    expect(world.logged).toEqual([expect.stringContaining('it asked after the call was sent')]);
    expect(await world.approvals.list()).toEqual([]);
  });
});

it('guardrails see the arguments as earlier ones have changed them in the item, too', async () => {
  const seen: unknown[] = [];
  class Watching extends GuardrailCheck {
    override check({ phase, item }: GuardrailSubject): GuardrailVerdict {
      seen.push([phase, item?.args]);
      return PASS;
    }
  }
  const watching = guardrailOf(new Watching(), { phases: ['arguments', 'results'] });
  const { interceptor } = guardedBy(world, [mask('***'), watching]);
  await world.run([interceptor], modernCall());
  expect(seen).toEqual([
    ['arguments', { to: '***' }],
    ['results', { to: '***' }],
  ]);
});
