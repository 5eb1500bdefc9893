import { expect } from 'expect';
import type { JsonObject } from '#lib/mcp-protocol';
import { textOf } from '../../support/sdk-client.js';
import type { Cell, Feature, FeatureGroup } from '../feature.js';
import { expectReportedFailure } from '../reported-failure.js';
import { closeForm, expectForm, type AnswerFactory } from './client-answers.js';

/** Calls a tool with an order for the interceptor of test/extensions/asking-extension.ts. */
async function callIntercepted(
  { client, connect, name }: Cell,
  intercept: string,
  { tool = 'echo', answers }: { readonly tool?: string; readonly answers?: AnswerFactory } = {},
) {
  const caller = answers ? await connect({ answers: answers() }) : client;
  const args: JsonObject = { ...(tool === 'echo' && { text: 'original' }), intercept };
  return caller.call(name(tool), args);
}

const intercepted = (
  name: string,
  intercept: string,
  expected: string,
  options?: { readonly tool?: string; readonly answers?: AnswerFactory },
): Feature => ({
  name,
  run: async (cell) => expect(textOf(await callIntercepted(cell, intercept, options))).toBe(expected),
});

const QUESTION = expectForm({ message: 'Who approves the call?' });

async function seesRefusal(cell: Cell): Promise<void> {
  expect(await expectReportedFailure(callIntercepted(cell, 'refuse'))).toContain('The interceptor refused the call.');
}

/** The message of an unforeseen failure may contain anything, so the client does not receive it. */
async function seesFailure(cell: Cell): Promise<void> {
  const failure = await expectReportedFailure(callIntercepted(cell, 'fail'));
  expect(failure).toContain('AskingInterceptor');
  expect(failure).not.toContain('secret');
}

async function seesDenial(cell: Cell): Promise<void> {
  const answering = callIntercepted(cell, 'ask', { answers: closeForm('decline') });
  expect(await expectReportedFailure(answering)).toContain('Nobody approved the call.');
}

async function isNotAsked({ connect, name }: Cell): Promise<void> {
  const incapable = await connect({ answersQuestions: false });
  const answering = incapable.call(name('echo'), { text: 'original', intercept: 'ask' });
  expect(await expectReportedFailure(answering)).toMatch(/elicitation/);
}

const answersBoth: Feature = {
  ...intercepted('answers a question of an interceptor, then one of the server', 'ask', 'accept: Ada', {
    tool: 'ask_name',
  }),
  limitation: ({ serverKind }) =>
    serverKind.stateless && {
      reason: 'Without a session the server does not know the capabilities of the client, so it sends no questions.',
      run: async (cell) => void (await expectReportedFailure(callIntercepted(cell, 'ask', { tool: 'ask_name' }))),
    },
};

export const EXTENSIONS: FeatureGroup = {
  title: 'Extensions',
  features: [
    intercepted('receives the result for arguments that an interceptor changed', 'change the arguments', 'changed'),
    intercepted('receives a result that an interceptor changed', 'change the result', 'changed'),
    intercepted('receives an answer that an interceptor gave instead of the server', 'answer', 'answered'),
    { name: 'receives the reason why an interceptor refused a call', run: seesRefusal },
    { name: 'receives the name of an interceptor that failed', run: seesFailure },
    intercepted('answers a question of an interceptor', 'ask', 'approved by Ada', { answers: QUESTION }),
    { name: 'declines a question of an interceptor', run: seesDenial },
    { name: 'receives an error from an interceptor that asks a client without elicitation', run: isNotAsked },
    answersBoth,
  ],
};
