import { expect } from 'expect';
import { DEFAULT_ANSWERS, type Answers } from '../../support/sdk-client.js';

/** Creates the answers of the user and the model of one client. */
export type AnswerFactory = () => Partial<Answers>;

/** The user declines or cancels the form. */
export const closeForm =
  (action: 'decline' | 'cancel'): AnswerFactory =>
  () => ({ elicit: () => ({ action }) });

/** The user sees a form that matches `expected`, and gives the default answer. */
export const expectForm =
  (expected: object): AnswerFactory =>
  () => ({
    elicit(params) {
      expect(params).toMatchObject(expected);
      return DEFAULT_ANSWERS.elicit(params);
    },
  });

/** The model receives a prompt that matches `expected`, and gives the default answer. */
export const expectPrompt =
  (expected: object): AnswerFactory =>
  () => ({
    sample(params) {
      expect(params).toMatchObject(expected);
      return DEFAULT_ANSWERS.sample(params);
    },
  });

/** The model repeats its prompt. */
export const echoPrompt: AnswerFactory = () => ({
  sample: ({ messages }) => ({
    role: 'assistant',
    model: 'echo',
    content: { type: 'text', text: (messages as { content: { text: string } }[])[0]?.content.text ?? '' },
  }),
});

/** The user enters a different word into each form. */
export const numberedWords: AnswerFactory = () => {
  let count = 0;
  return { elicit: () => ({ action: 'accept', content: { word: `word${(count += 1)}` } }) };
};

/** The user fills in the form only after the server requested the roots. */
export const answerRootsFirst: AnswerFactory = () => {
  const { promise: rootsRequested, resolve } = Promise.withResolvers<void>();
  return {
    elicit: (params) => rootsRequested.then(() => DEFAULT_ANSWERS.elicit(params)),
    listRoots() {
      resolve();
      return DEFAULT_ANSWERS.listRoots();
    },
  };
};
