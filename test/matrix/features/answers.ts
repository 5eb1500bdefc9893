import { expect } from 'expect';
import { DEFAULT_ANSWERS, type Answers } from '../../support/sdk-client.js';

/** Makes the people and the model behind one client. */
export type Behind = () => Partial<Answers>;

/** The form is not filled in. */
export const formIs =
  (action: 'decline' | 'cancel'): Behind =>
  () => ({ elicit: () => ({ action }) });

/** The user is shown this, and does what all users do. */
export const shown =
  (expected: object): Behind =>
  () => ({
    elicit(asked) {
      expect(asked).toMatchObject(expected);
      return DEFAULT_ANSWERS.elicit(asked);
    },
  });

/** The model is given this, and says what all models say. */
export const prompted =
  (expected: object): Behind =>
  () => ({
    sample(asked) {
      expect(asked).toMatchObject(expected);
      return DEFAULT_ANSWERS.sample(asked);
    },
  });

/** The model says what it was told. */
export const echoing: Behind = () => ({
  sample: ({ messages }) => ({
    role: 'assistant',
    model: 'echo',
    content: { type: 'text', text: (messages as { content: { text: string } }[])[0]?.content.text ?? '' },
  }),
});

/** Another word for each form. */
export const counting: Behind = () => {
  let count = 0;
  return { elicit: () => ({ action: 'accept', content: { word: `word${(count += 1)}` } }) };
};

/** The form is filled in only after somebody asked for the roots. */
export const rootsFirst: Behind = () => {
  const { promise: rootsAreKnown, resolve } = Promise.withResolvers<void>();
  return {
    elicit: (asked) => rootsAreKnown.then(() => DEFAULT_ANSWERS.elicit(asked)),
    listRoots() {
      resolve();
      return DEFAULT_ANSWERS.listRoots();
    },
  };
};
