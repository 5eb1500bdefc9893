import { expect } from 'expect';
import type { JsonObject } from '#lib/mcp-protocol';
import { textOf, type Progress, type ToolAnswer } from '../../support/sdk-client.js';
import type { Cell, Feature, FeatureGroup, Instead, Judge, Kinds } from '../feature.js';
import { expectHonestFailure } from '../honest-failure.js';
import { counting, echoing, formIs, prompted, rootsFirst, shown, type Behind } from './answers.js';
import { answersOneAtATime } from './partial-answers.js';
import { visitsUrl } from './visits.js';

/** Where the server cannot ask, whatever comes is an honest failure. */
function question(name: string, ask: (cell: Cell) => Promise<unknown>, judge: (answer: unknown) => void): Feature {
  const run = async (cell: Cell) => judge(await ask(cell));
  return { name, run, instead: unlessServerAsks(async (cell) => void (await expectHonestFailure(ask(cell)))) };
}

const unlessServerAsks =
  (run: Judge) =>
  ({ serverKind }: Kinds): Instead | undefined =>
    serverKind.stateless && { why: 'Without sessions the server never learns whether it may ask.', run };

/** The question is put by calling a tool. Without others behind it, a client answers as all clients do. */
function asking(name: string, tool: string, args: JsonObject, said: string, behind?: Behind): Feature {
  const ask = async ({ client, connect, name: shownName }: Cell) => {
    const asked = behind ? await connect({ answers: behind() }) : client;
    return asked.call(shownName(tool), args);
  };
  return question(name, ask, (answer) => expect(textOf(answer as ToolAnswer)).toBe(said));
}

const FIELDS = {
  age: { type: 'integer', default: 30 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
};

const prompt = (text: string) => ({ messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens: 100 });

async function asksTwice({ connect, name }: Cell): Promise<unknown[]> {
  const client = await connect({ answers: echoing() });
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
  // A client that repeats its call tells its user so by progress of its own, without a total.
  return [textOf(answer), seen.find(({ total }) => total === 2)];
}

/** What needs a capability that the client lacks, and what an honest failure then says. */
const UNDECLARED = { ask_name: /elicitation/, ask_model: /sampling/, ask_roots: /roots/ };

async function isNotAsked({ connect, name }: Cell): Promise<void> {
  const silent = await connect({ answersQuestions: false });
  for (const [tool, capability] of Object.entries(UNDECLARED)) {
    expect(await expectHonestFailure(silent.call(name(tool), { prompt: 'hello' }))).toMatch(capability);
  }
}

async function failsUnasked({ connect, name }: Cell): Promise<void> {
  const silent = await connect({ answersQuestions: false });
  for (const tool of Object.keys(UNDECLARED)) {
    await expectHonestFailure(silent.call(name(tool), { prompt: 'hello' }));
  }
}

const ALL_THREE = 'Ada | something nice | file:///srv';

const AT_ONCE = asking(
  'is asked three things at once, and answers the first one last',
  'ask_at_once',
  {},
  ALL_THREE,
  rootsFirst,
);

const REPEATS = question(
  'answers one of three things at a time, and is asked for the rest',
  answersOneAtATime,
  (text) => expect(text).toBe(ALL_THREE),
);

const ONE_AT_A_TIME: Feature = {
  ...REPEATS,
  instead: (kinds) =>
    REPEATS.instead?.(kinds) ??
    (kinds.clientKind.era === 'legacy'
      ? { why: 'A client of this era answers each question by itself: there is no rest to ask for.', run: AT_ONCE.run }
      : undefined),
};

export const QUESTIONS: FeatureGroup = {
  title: 'Questions of servers to clients',
  features: [
    asking('fills in a form', 'ask_name', {}, 'accept: Ada', shown({ message: 'What is your name?' })),
    question(
      'is shown a form as the server wrote it, with defaults and choices',
      async ({ connect, name }) => {
        const client = await connect({ answers: shown({ requestedSchema: { properties: FIELDS } })() });
        return client.call(name('test_elicitation_sep1034_defaults'));
      },
      (answer) => expect(textOf(answer as ToolAnswer)).toMatch(/action=accept/),
    ),
    asking('declines a form', 'ask_name', {}, 'decline: (decline)', formIs('decline')),
    asking('dismisses a form', 'ask_name', {}, 'cancel: (cancel)', formIs('cancel')),
    asking('opens a URL', 'ask_url', {}, 'visit: accept', shown({ mode: 'url', url: 'https://example.com/sign-in' })),
    { name: 'visits a URL that a call needs to have been visited', run: visitsUrl },
    asking('lends its model', 'ask_model', { prompt: 'Say' }, 'model: something nice', prompted(prompt('Say'))),
    asking(
      'lends its model with tools',
      'ask_model_with_tools',
      { prompt: 'Look' },
      'model: something nice',
      prompted({ ...prompt('Look'), tools: [{ name: 'lookup' }], toolChoice: { mode: 'auto' } }),
    ),
    asking('shows its roots', 'ask_roots', {}, 'roots: file:///srv'),
    asking('is asked three times in a row', 'ask_rounds', { rounds: 3 }, 'word1 word2 word3', counting),
    AT_ONCE,
    asking(
      'declines one of three things that it is asked at once',
      'ask_at_once',
      {},
      '(decline) | something nice | file:///srv',
      formIs('decline'),
    ),
    ONE_AT_A_TIME,
    question('is asked by two calls at once, and each gets its own answer', asksTwice, (answers) =>
      expect(answers).toEqual(['model: one', 'model: two']),
    ),
    question('is told of progress before it is asked', reportsThenAsks, (answer) =>
      expect(answer).toEqual(['confirmed: true', { progress: 1, total: 2 }]),
    ),
    question(
      'is asked before it reads a resource',
      ({ client, uri }) => client.read(uri('test://greeting')),
      (contents) => expect(contents).toMatchObject([{ text: 'Hello, Ada!' }]),
    ),
    question(
      'is asked before it gets a prompt',
      ({ client, name }) => client.prompt(name('test_input_required_result_prompt')),
      (messages) => expect(messages).toMatchObject([{ content: { text: 'The context is: a walk' } }]),
    ),
    {
      name: 'is not asked for what it did not declare, and is told what it lacks',
      run: isNotAsked,
      instead: unlessServerAsks(failsUnasked),
    },
  ],
};
