import { schemaOf, textResult, type FeatureContext, type Tool, type ToolResult } from './feature.js';
import type { Json } from './schema.js';
import { askForm, askModel, askModelWithTools, askRoots, askVisit, fieldOf, modelText, rootUris } from './question.js';

function tool(
  name: string,
  description: string,
  properties: Parameters<typeof schemaOf>[0],
  run: (args: Json, context: FeatureContext) => Promise<ToolResult>,
): Tool {
  return { definition: { name, description, inputSchema: schemaOf(properties) }, run };
}

const name = { name: { type: 'string' } };

const askName = tool('ask_name', 'Asks for a name with a form, then greets', {}, async (_args, { ask }) => {
  const { name: answer } = await ask({ name: askForm('What is your name?', name) });
  return textResult(`${String(answer['action'])}: ${fieldOf(answer, 'name')}`);
});

const askUrl = tool('ask_url', 'Asks the user to open a URL', {}, async (_args, { ask }) => {
  const { visit } = await ask({ visit: askVisit('Please sign in', 'https://example.com/sign-in') });
  return textResult(`visit: ${String(visit['action'])}`);
});

const requireUrl = tool(
  'require_url',
  'Refuses its first call with a given id until a URL was visited',
  { id: { type: 'string' } },
  async ({ id }, context) => {
    await context.requireVisit({
      id: String(id),
      url: `https://example.com/consent/${encodeURIComponent(String(id))}`,
      message: 'Please give your consent first',
    });
    return textResult(`consent ${String(id)} given`);
  },
);

const askTheModel = tool(
  'ask_model',
  "Puts a prompt to the client's model",
  { prompt: { type: 'string' } },
  async ({ prompt }, { ask }) => {
    const { reply } = await ask({ reply: askModel(String(prompt)) });
    return textResult(`model: ${modelText(reply)}`);
  },
);

const askTheModelWithTools = tool(
  'ask_model_with_tools',
  "Puts a prompt to the client's model and offers it a tool",
  { prompt: { type: 'string' } },
  async ({ prompt }, { ask }) => {
    const { reply } = await ask({ reply: askModelWithTools(String(prompt)) });
    return textResult(`model: ${modelText(reply)}`);
  },
);

const askForRoots = tool('ask_roots', "Lists the client's roots", {}, async (_args, { ask }) => {
  const { roots } = await ask({ roots: askRoots });
  return textResult(`roots: ${rootUris(roots).join(', ')}`);
});

const askRounds = tool(
  'ask_rounds',
  'Asks the given number of questions, one after the other',
  { rounds: { type: 'integer', minimum: 1, maximum: 50 } },
  async ({ rounds }, { ask }) => {
    const answers: string[] = [];
    for (let round = 1; round <= Number(rounds); round += 1) {
      const key = `round${round}`;
      const given = await ask({ [key]: askForm(`Round ${round}: say a word`, { word: { type: 'string' } }) });
      answers.push(fieldOf(given[key] ?? {}, 'word'));
    }
    return textResult(answers.join(' '));
  },
);

const askAndHold = tool(
  'ask_and_hold',
  'Asks for a name, reports progress, then stays open until release is called with the same key',
  { key: { type: 'string' } },
  async ({ key }, { ask, progress, world, signal }) => {
    const { name: answer } = await ask({ name: askForm('What is your name?', name) });
    await progress(1, 2, 'holding');
    await world.waitForRelease(String(key), signal);
    return textResult(`released for ${fieldOf(answer, 'name')}`);
  },
);

const askAtOnce = tool(
  'ask_at_once',
  'Asks for a name, a sentence and the roots in one go',
  {},
  async (_args, { ask }) => {
    const { who, sentence, roots } = await ask(
      { who: askForm('What is your name?', name), sentence: askModel('Say something nice'), roots: askRoots },
      { sealed: true },
    );
    return textResult([fieldOf(who, 'name'), modelText(sentence), ...rootUris(roots)].join(' | '));
  },
);

/** Tools that the conformance suite calls to test questions of the legacy era. */
const testSampling = tool(
  'test_sampling',
  "Puts a prompt to the client's model",
  { prompt: { type: 'string', description: 'The prompt for the model' } },
  async ({ prompt }, { ask }) => {
    const { reply } = await ask({ reply: askModel(String(prompt)) });
    return textResult(`LLM response: ${modelText(reply)}`);
  },
);

const testElicitation = tool(
  'test_elicitation',
  'Asks for a user name and an e-mail address',
  { message: { type: 'string', description: 'What the user is shown' } },
  async ({ message }, { ask }) => {
    const { user } = await ask({
      user: askForm(String(message), {
        username: { type: 'string', description: "User's response" },
        email: { type: 'string', description: "User's email address" },
      }),
    });
    return textResult(`User response: ${summary(user)}`);
  },
);

const testDefaults = tool(
  'test_elicitation_sep1034_defaults',
  'Asks with a form that has a default for every primitive type',
  {},
  async (_args, { ask }) => {
    const { form } = await ask({
      form: askForm('Please check these values', {
        name: { type: 'string', default: 'John Doe' },
        age: { type: 'integer', default: 30 },
        score: { type: 'number', default: 95.5 },
        status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
        verified: { type: 'boolean', default: true },
      }),
    });
    return textResult(`Elicitation completed: ${summary(form)}`);
  },
);

const options = ['option1', 'option2', 'option3'];
const titled = [
  { const: 'value1', title: 'First' },
  { const: 'value2', title: 'Second' },
  { const: 'value3', title: 'Third' },
];

const testEnums = tool(
  'test_elicitation_sep1330_enums',
  'Asks with a form that has every kind of enumeration',
  {},
  async (_args, { ask }) => {
    const { form } = await ask({
      form: askForm('Please choose', {
        untitledSingle: { type: 'string', enum: options },
        titledSingle: { type: 'string', oneOf: titled },
        legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['One', 'Two', 'Three'] },
        untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
        titledMulti: { type: 'array', items: { anyOf: titled } },
      }),
    });
    return textResult(`Elicitation completed: ${summary(form)}`);
  },
);

function summary(answer: Json): string {
  return `action=${String(answer['action'])}, content=${JSON.stringify(answer['content'] ?? {})}`;
}

/** Tools that send questions to the client before they answer. */
export const askingTools: Tool[] = [
  askName,
  askUrl,
  requireUrl,
  askTheModel,
  askTheModelWithTools,
  askForRoots,
  askRounds,
  askAndHold,
  askAtOnce,
  testSampling,
  testElicitation,
  testDefaults,
  testEnums,
];
