/** What a parked call waits for, by the method of the question of its server. */
const TEXTS: Readonly<Record<string, string>> = {
  'elicitation/create': 'an answer of the user',
  'sampling/createMessage': 'a completion by the model of the client',
  'roots/list': 'the folders of the client',
};

export const textOfQuestion = (method: string): string => TEXTS[method] ?? method;

/** What a parked call waits for, in a few words. */
export const textOfQuestions = (methods: readonly string[]): string =>
  methods.length === 0 ? 'its server' : methods.map(textOfQuestion).join(', ');
