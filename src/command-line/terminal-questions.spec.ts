import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { TerminalQuestions } from './terminal-questions.js';

const QUESTION = {
  message: 'Who\u001B[2J are you?',
  requestedSchema: {
    type: 'object',
    properties: {
      name: { type: 'string', title: 'Your name' },
      age: { type: 'integer' },
      size: { type: 'string', enum: ['small', 'large'], default: 'small' },
      agreed: { type: 'boolean' },
    },
    required: ['name', 'agreed'],
  },
};
const CONFIRMATION = { message: 'Delete everything?', requestedSchema: { type: 'object', properties: {} } };
const formOf = (schema: object, ...required: string[]) => ({
  message: 'Choose.',
  requestedSchema: { type: 'object', properties: { field: schema }, required },
});

/** Answers a question with lines from a pipe. */
async function answer(question: object, ...lines: string[]) {
  const input = new PassThrough();
  const output = new PassThrough();
  const questions = new TerminalQuestions(input, output);
  const answered = questions.answer({ ...question });
  input.end(lines.map((line) => `${line}\n`).join(''));
  const result = await answered;
  questions.close();
  return { result, shown: String(output.read()) };
}

/** Resolves when the output contains the text. */
async function shows(output: PassThrough, text: string): Promise<void> {
  let shown = '';
  while (!shown.includes(text)) {
    const chunk = output.read() as Buffer | null;
    if (chunk === null) await once(output, 'readable');
    else shown += chunk.toString();
  }
}

describe('TerminalQuestions', () => {
  it('asks for each value of the form and returns them in their types', async () => {
    const { result } = await answer(QUESTION, 'Ada', '36', 'large', 'yes', 'accept');
    expect(result).toEqual({ action: 'accept', content: { name: 'Ada', age: 36, size: 'large', agreed: true } });
  });

  it('leaves out an optional value and takes a default for an empty line', async () => {
    const { result } = await answer(QUESTION, 'Ada', '', '', 'n', '');
    expect(result).toEqual({ action: 'accept', content: { name: 'Ada', size: 'small', agreed: false } });
  });

  it('asks again after a line that the field does not accept', async () => {
    const { result, shown } = await answer(QUESTION, '', 'Ada', '3.5', '3', 'huge', '', 'maybe', 'y', 'perhaps', 'a');
    expect(result).toEqual({ action: 'accept', content: { name: 'Ada', age: 3, size: 'small', agreed: true } });
    for (const expected of ['a text', 'an integer', 'one of small, large', 'yes or no', 'accept, decline or cancel'])
      expect(shown).toContain(`Expected ${expected}.`);
  });

  it.each([
    ['decline', 'decline'],
    ['no', 'decline'],
    ['cancel', 'cancel'],
  ])('answers a form with %s at its end as %s', async (line, action) => {
    expect((await answer(QUESTION, 'Ada', '', '', 'y', line)).result).toEqual({ action });
  });

  it('cancels the question at the end of input', async () => {
    expect((await answer(QUESTION, 'Ada')).result).toEqual({ action: 'cancel' });
    expect((await answer(QUESTION, 'Ada', '', '', 'y')).result).toEqual({ action: 'cancel' });
  });

  it('accepts a form without fields only when the user says so', async () => {
    expect((await answer(CONFIRMATION)).result).toEqual({ action: 'cancel' });
    expect((await answer(CONFIRMATION, '', '')).result).toEqual({ action: 'cancel' });
    expect((await answer(CONFIRMATION, '', 'no')).result).toEqual({ action: 'decline' });
    expect((await answer(CONFIRMATION, 'yes')).result).toEqual({ action: 'accept', content: {} });
  });

  it('asks one question after the other when several arrive at once', async () => {
    const input = new PassThrough();
    const questions = new TerminalQuestions(input, new PassThrough());
    const answers = Promise.all([questions.answer(CONFIRMATION), questions.answer(QUESTION)]);
    input.end('decline\nAda\n\n\ny\naccept\n');
    expect(await answers).toEqual([
      { action: 'decline' },
      { action: 'accept', content: { name: 'Ada', size: 'small', agreed: true } },
    ]);
  });
});

describe('the fields of a form', () => {
  const TITLED = [
    { const: 's', title: 'Small' },
    { const: 'l', title: 'Large' },
  ];

  it.each([
    ['by its value', { type: 'string', oneOf: TITLED }, 'l', 'l'],
    ['by its title', { type: 'string', oneOf: TITLED }, 'Large', 'l'],
    [
      'of an earlier revision by its title',
      { type: 'string', enum: ['s', 'l'], enumNames: ['Small', 'Large'] },
      'Large',
      'l',
    ],
    ['of several', { type: 'array', items: { type: 'string', enum: ['a', 'b', 'c'] } }, 'c, a', ['c', 'a']],
    ['of several by their titles', { type: 'array', items: { anyOf: TITLED } }, 'Large,s', ['l', 's']],
    ['of several, none of them', { type: 'array', items: { type: 'string', enum: ['a', 'b'] } }, '', []],
  ])('accept a choice %s', async (_, schema, line, value) => {
    const { result } = await answer(formOf(schema, 'field'), line, 'accept');
    expect(result).toEqual({ action: 'accept', content: { field: value } });
  });

  it('show titles, and accept only as many choices as the form allows', async () => {
    const schema = { type: 'array', items: { anyOf: TITLED }, minItems: 1, maxItems: 1 };
    const { result, shown } = await answer(formOf(schema, 'field'), 's, l', '', 'm', 's', '');
    expect(result).toEqual({ action: 'accept', content: { field: ['s'] } });
    expect(shown.match(/Expected 1 to 1 of s \(Small\), l \(Large\), separated by commas\./g)).toHaveLength(3);
  });

  it('take several choices as a default', async () => {
    const schema = { type: 'array', items: { enum: ['a', 'b'] }, default: ['b'] };
    expect((await answer(formOf(schema), '', '')).result).toEqual({ action: 'accept', content: { field: ['b'] } });
  });

  it.each([{ type: 'object' }, { type: 'array', items: { type: 'number' } }, {}])(
    'cancel the question with a note for a field of an unknown kind: %j',
    async (schema) => {
      const { result, shown } = await answer(formOf(schema), 'x', 'accept');
      expect(result).toEqual({ action: 'cancel' });
      expect(shown).toContain('a field that cannot be shown at a terminal, field: the question is cancelled.');
    },
  );

  it('show no control characters of the server', async () => {
    const schema = { type: 'string', title: 'A\u001B[1m', enum: ['x\u001B]0;\u0007', 'y\u202E'] };
    const { shown } = await answer({ ...formOf(schema, 'field'), message: 'Who\u001B[2J?' }, 'z', 'y', '');
    expect(shown).toContain('Who [2J?\nA [1m (one of x ]0; , y ): ');
    expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202E]/u);
  });

  it('accept a choice with control characters as the terminal shows it', async () => {
    const { result } = await answer(formOf({ type: 'string', enum: ['x\u001By'] }, 'field'), 'x y', '');
    expect(result).toEqual({ action: 'accept', content: { field: 'x\u001By' } });
  });
});

describe('TerminalQuestions at a terminal', () => {
  const terminal = () => Object.assign(new PassThrough(), { isTTY: true });

  it('ignores lines that were typed before the question', async () => {
    const [input, output] = [terminal(), new PassThrough()];
    const questions = new TerminalQuestions(input, output);
    input.write('yes\naccept\n');
    const answered = questions.answer(CONFIRMATION);
    await shows(output, 'accept, decline or cancel?');
    input.write('no\n');
    expect(await answered).toEqual({ action: 'decline' });
    input.write('yes\n');
    const second = questions.answer(CONFIRMATION);
    await shows(output, 'accept, decline or cancel?');
    input.write('cancel\n');
    expect(await second).toEqual({ action: 'cancel' });
    questions.close();
  });

  it('reports Ctrl-C at a question', async () => {
    const [input, output] = [terminal(), new PassThrough()];
    const interrupted = Promise.withResolvers<string>();
    const questions = new TerminalQuestions(input, output, () => interrupted.resolve('interrupted'));
    const answered = questions.answer(CONFIRMATION);
    await shows(output, 'accept, decline or cancel?');
    input.write('\u0003');
    expect(await interrupted.promise).toBe('interrupted');
    questions.close();
    expect(await answered).toEqual({ action: 'cancel' });
  });

  it('leaves Ctrl-C to the terminal before the first question', () => {
    const modes: boolean[] = [];
    const input = Object.assign(terminal(), { setRawMode: (isRaw: boolean) => modes.push(isRaw) });
    const questions = new TerminalQuestions(input, new PassThrough());
    expect(modes).toEqual([]);
    questions.close();
  });
});
