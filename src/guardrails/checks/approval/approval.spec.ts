import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  GatewayError,
  type AdminQuestion,
  type CallerQuestion,
  type JsonObject,
  type JsonValue,
} from '#lib/extension-kit';
import { createSubject } from '../subject-fixture.js';
import { ApprovalCheck, type ApprovalOptions } from './index.js';
import { showArguments } from './show-arguments.js';

const check = new ApprovalCheck();

/** Judges a call of the tool `run`; returns the verdict and the questions that the caller received. */
async function judge(annotations: JsonObject | undefined, options: ApprovalOptions = {}, action = 'accept' as const) {
  const asked: CallerQuestion[] = [];
  const ask = (question: CallerQuestion) => {
    asked.push(question);
    return Promise.resolve({ action });
  };
  const definition = { name: 'run', ...(annotations && { annotations }) };
  const subject = createSubject({ path: '/a' }, { phase: 'arguments', definition, call: { ask } });
  return { verdict: await check.check(subject, options), asked };
}

describe('the check approval', () => {
  it.each<[string, JsonObject | undefined, ApprovalOptions]>([
    ['a tool without annotations', undefined, {}],
    ['a destructive tool', { destructiveHint: true }, {}],
    ['a tool that may write', { readOnlyHint: false }, {}],
    ['a tool with annotations that are no booleans', { readOnlyHint: 'true', destructiveHint: 'false' }, {}],
    ['a tool by its name', { readOnlyHint: true }, { tools: ['r*'] }],
  ])('asks before %s runs', async (_name, annotations, options) => {
    const { verdict, asked } = await judge(annotations, options);
    expect(verdict).toEqual({ action: 'pass' });
    expect(asked).toEqual([
      {
        key: 'approval',
        message: 'Allow the tool "run" of the server "files" to run with these arguments?\n\n{\n  "path": "/a"\n}',
      },
    ]);
  });

  it.each<[string, JsonObject | undefined, ApprovalOptions]>([
    ['a read-only tool', { readOnlyHint: true }, {}],
    ['a read-only tool that claims to destroy', { readOnlyHint: true, destructiveHint: true }, {}],
    ['a tool that only adds', { destructiveHint: false }, {}],
    ['a tool of the exceptions', undefined, { tools: ['*'], except: ['run'] }],
    ['any tool when only names count', undefined, { destructive: false, tools: ['delete_*'] }],
  ])('passes %s without a question', async (_name, annotations, options) => {
    expect(await judge(annotations, options)).toEqual({ verdict: { action: 'pass' }, asked: [] });
  });

  it.each([
    ['decline', 'declined', /declined the call/],
    ['cancel', 'not-approved', /closed the question/],
  ] as const)('refuses the call when the answer is %s', async (action, kind, reason) => {
    const { verdict } = await judge(undefined, {}, action as never);
    expect(verdict).toEqual({
      action: 'refuse',
      reason: expect.stringMatching(reason),
      findings: [{ kind, count: 1 }],
    });
  });

  it('passes the time for the answer on, and the error of a client that cannot answer', async () => {
    const { asked } = await judge(undefined, { expiresAfterMs: 5_000 });
    expect(asked).toMatchObject([{ expiresAfterMs: 5_000 }]);
    const ask = () => Promise.reject(new GatewayError(-31_000, 'The client cannot answer questions.', 400));
    const subject = createSubject({}, { phase: 'arguments', call: { ask } });
    await expect(check.check(subject, {})).rejects.toThrow('The client cannot answer questions.');
  });

  it.each([
    ['approve', undefined, { action: 'pass' }],
    ['refuse', undefined, { action: 'refuse', reason: 'An admin refused the call' }],
    ['refuse', 'Not to\u202Eday', { action: 'refuse', reason: 'An admin refused the call: Not to\\u{202e}day' }],
  ] as const)('asks an admin without the arguments, who may %s (reason: %s)', async (action, reason, expected) => {
    const asked: AdminQuestion[] = [];
    const askAdmin = (question: AdminQuestion) => {
      asked.push(question);
      return Promise.resolve({ action, ...(reason !== undefined && { reason }) });
    };
    const subject = createSubject({ path: '/secret' }, { phase: 'arguments', call: { askAdmin } });
    expect(await check.check(subject, { by: 'admin', expiresAfterMs: 5_000 })).toMatchObject(expected);
    expect(asked).toEqual([
      {
        key: 'approval',
        message: 'The tool "run" of the server "files" may run only with the approval of an admin.',
        expiresAfterMs: 5_000,
      },
    ]);
  });

  it('passes prompts and resources, and refuses a call without a caller', async () => {
    const item = { server: { slug: 'files' }, kind: 'prompts' as const, name: 'run' };
    expect(await check.check(createSubject({}, { phase: 'arguments', item }), {})).toEqual({ action: 'pass' });
    const subject = { ...createSubject({}, { phase: 'arguments' }), call: undefined };
    expect(await check.check(subject, {})).toMatchObject({ action: 'refuse' });
  });
});

describe('the arguments in a question', () => {
  it('show every character, and say what they leave out', () => {
    expect(showArguments({ path: '/a\u202Etxt\u200B', ['na\u2066me']: 'a\nb' })).toBe(
      '{\n  "path": "/a\\\\u{202e}txt\\\\u{200b}",\n  "na\\\\u{2066}me": "a\\nb"\n}',
    );
    expect(showArguments({ text: 'x'.repeat(500) })).toContain('… (300 further characters are not shown)');
    expect(showArguments({ list: Array.from({ length: 100 }, () => 1) })).toContain('(70 further items are not shown)');
    expect(showArguments({ a: { b: { c: { d: { e: 1 } } } } })).toContain('(1 members are not shown)');
  });

  it('are bounded and visible for any arguments', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 8 }) as fc.Arbitrary<JsonValue>),
        (args) => {
          const shown = showArguments(args);
          expect(shown.length).toBeLessThan(2_100);
          expect(shown.replaceAll('\n', '')).not.toMatch(/\p{C}/u);
        },
      ),
    );
  });
});
