import { expect } from 'expect';
import type { JsonObject } from '#lib/mcp-protocol';
import { textOf, type Progress, type ToolAnswer } from '../../support/sdk-client.js';
import type { Cell, Feature, FeatureGroup, Limitation, Check, Pairing } from '../feature.js';
import { expectReportedFailure } from '../reported-failure.js';
import {
  numberedWords,
  echoPrompt,
  closeForm,
  expectPrompt,
  answerRootsFirst,
  expectForm,
  type AnswerFactory,
} from './client-answers.js';
import { answersOneAtATime } from './partial-answers.js';
import { consentsAtUrl } from './url-consent.js';

/** A server that cannot send questions reports a failure: an error or a failed result. */
function question(name: string, ask: (cell: Cell) => Promise<unknown>, judge: (answer: unknown) => void): Feature {
  const run = async (cell: Cell) => judge(await ask(cell));
  return { name, run, limitation: unlessServerAsks(async (cell) => void (await expectReportedFailure(ask(cell)))) };
}

const unlessServerAsks =
  (run: Check) =>
  ({ serverKind }: Pairing): Limitation | undefined =>
    serverKind.stateless && {
      reason: 'Without a session the server does not know the capabilities of the client, so it sends no questions.',
      run,
    };

/** The client calls a tool that sends a question. Without an answer factory the client gives the default answers. */
function asking(name: string, tool: string, args: JsonObject, expected: string, newAnswers?: AnswerFactory): Feature {
  const ask = async ({ client, connect, name: publicName }: Cell) => {
    const asked = newAnswers ? await connect({ answers: newAnswers() }) : client;
    return asked.call(publicName(tool), args);
  };
  return question(name, ask, (answer) => expect(textOf(answer as ToolAnswer)).toBe(expected));
}

const FIELDS = {
  age: { type: 'integer', default: 30 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
};

const prompt = (text: string) => ({ messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens: 100 });

async function asksTwice({ connect, name }: Cell): Promise<unknown[]> {
  const client = await connect({ answers: echoPrompt() });
  const prompts = ['one', 'two'];
  const answers = await Promise.all(prompts.map((text) => client.call(name('ask_model'), { prompt: text })));
  const failed = answers.find(({ isError }) => isError);
  if (failed) throw new Error(String(textOf(failed)));
  return answers.map(textOf);
}

async function reportsThenAsks({ client, name }: Cell): Promise<unknown> {
  const seen: Progress[] = [];
  const onprogress = (progress: Progress) => seen.push(progress);
  const answer = await client.call(name('test_streaming_elicitation'), {}, { onprogress });
  if (answer.isError) throw new Error(String(textOf(answer)));
  // A client that repeats its call reports progress of its own to its user, without a total.
  return [textOf(answer), seen.find(({ total }) => total === 2)];
}

/** Tools that need a capability that the client lacks, and the capability that the failure names. */
const UNDECLARED = { ask_name: /elicitation/, ask_model: /sampling/, ask_roots: /roots/ };

async function receivesNoQuestion({ connect, name }: Cell): Promise<void> {
  const incapable = await connect({ answersQuestions: false });
  for (const [tool, capability] of Object.entries(UNDECLARED)) {
    expect(await expectReportedFailure(incapable.call(name(tool), { prompt: 'hello' }))).toMatch(capability);
  }
}

async function failsUnasked({ connect, name }: Cell): Promise<void> {
  const incapable = await connect({ answersQuestions: false });
  for (const tool of Object.keys(UNDECLARED)) {
    await expectReportedFailure(incapable.call(name(tool), { prompt: 'hello' }));
  }
}

const ALL_THREE = 'Ada | something nice | file:///srv';

const AT_ONCE = asking(
  'answers three concurrent questions, the first one last',
  'ask_at_once',
  {},
  ALL_THREE,
  answerRootsFirst,
);

const REPEATS = question(
  'answers three concurrent questions one by one, and receives the remaining ones again',
  answersOneAtATime,
  (text) => expect(text).toBe(ALL_THREE),
);

const ONE_AT_A_TIME: Feature = {
  ...REPEATS,
  limitation: (kinds) =>
    REPEATS.limitation?.(kinds) ??
    (kinds.clientKind.era === 'legacy'
      ? {
          reason: 'A client of this era answers each question separately, so the server sends none of them again.',
          run: AT_ONCE.run,
        }
      : undefined),
};

export const QUESTIONS: FeatureGroup = {
  title: 'Questions of servers to clients: elicitation, sampling and roots',
  features: [
    asking('fills in a form', 'ask_name', {}, 'accept: Ada', expectForm({ message: 'What is your name?' })),
    question(
      'receives a form unchanged, with defaults and choices',
      async ({ connect, name }) => {
        const client = await connect({ answers: expectForm({ requestedSchema: { properties: FIELDS } })() });
        return client.call(name('test_elicitation_sep1034_defaults'));
      },
      (answer) => expect(textOf(answer as ToolAnswer)).toMatch(/action=accept/),
    ),
    asking('declines a form', 'ask_name', {}, 'decline: (decline)', closeForm('decline')),
    asking('cancels a form', 'ask_name', {}, 'cancel: (cancel)', closeForm('cancel')),
    asking(
      'accepts a URL elicitation',
      'ask_url',
      {},
      'visit: accept',
      expectForm({ mode: 'url', url: 'https://example.com/sign-in' }),
    ),
    { name: 'visits the URL that a call requires', run: consentsAtUrl },
    asking(
      'answers a sampling request',
      'ask_model',
      { prompt: 'Say' },
      'model: something nice',
      expectPrompt(prompt('Say')),
    ),
    asking(
      'answers a sampling request with tools',
      'ask_model_with_tools',
      { prompt: 'Look' },
      'model: something nice',
      expectPrompt({ ...prompt('Look'), tools: [{ name: 'lookup' }], toolChoice: { mode: 'auto' } }),
    ),
    asking('returns its roots', 'ask_roots', {}, 'roots: file:///srv'),
    asking('answers three questions in a row', 'ask_rounds', { rounds: 3 }, 'word1 word2 word3', numberedWords),
    AT_ONCE,
    asking(
      'declines one of three concurrent questions',
      'ask_at_once',
      {},
      '(decline) | something nice | file:///srv',
      closeForm('decline'),
    ),
    ONE_AT_A_TIME,
    question(
      'answers the questions of two concurrent calls, and each call receives its own answer',
      asksTwice,
      (answers) => expect(answers).toEqual(['model: one', 'model: two']),
    ),
    question('receives progress before a question', reportsThenAsks, (answer) =>
      expect(answer).toEqual(['confirmed: true', { progress: 1, total: 2 }]),
    ),
    question(
      'answers a question before it reads a resource',
      ({ client, uri }) => client.read(uri('test://greeting')),
      (contents) => expect(contents).toMatchObject([{ text: 'Hello, Ada!' }]),
    ),
    question(
      'answers a question before it gets a prompt',
      ({ client, name }) => client.prompt(name('test_input_required_result_prompt')),
      (messages) => expect(messages).toMatchObject([{ content: { text: 'The context is: a walk' } }]),
    ),
    {
      name: 'receives an error that names the missing capability instead of a question',
      run: receivesNoQuestion,
      limitation: unlessServerAsks(failsUnasked),
    },
  ],
};
