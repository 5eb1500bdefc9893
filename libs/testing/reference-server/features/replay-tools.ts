import { schemaOf, textResult, type FeatureContext, type Tool, type ToolResult } from './feature.js';
import { askForm, askModel, askRoots, capabilityOf, fieldOf, modelText, rootUris, type Question } from './question.js';

function tool(name: string, description: string, run: (context: FeatureContext) => Promise<ToolResult>): Tool {
  return { definition: { name, description, inputSchema: schemaOf() }, run: (_args, context) => run(context) };
}

const nameField = { name: { type: 'string' } };
const confirmField = { ok: { type: 'boolean' } };

const PREFIX = 'test_input_required_result_';

/** Tools that the conformance suite calls to test questions inside results. */
export const replayTools: Tool[] = [
  tool(`${PREFIX}elicitation`, 'Asks for a name', async ({ ask }) => {
    const { user_name } = await ask({ user_name: askForm('What is your name?', nameField) });
    return textResult(`Hello, ${fieldOf(user_name, 'name')}!`);
  }),
  tool(`${PREFIX}sampling`, "Puts a question to the client's model", async ({ ask }) => {
    const { capital_question } = await ask({ capital_question: askModel('What is the capital of France?') });
    return textResult(modelText(capital_question));
  }),
  tool(`${PREFIX}list_roots`, "Lists the client's roots", async ({ ask }) => {
    const { client_roots } = await ask({ client_roots: askRoots });
    return textResult(`The roots are ${rootUris(client_roots).join(', ')}`);
  }),
  tool(`${PREFIX}request_state`, 'Asks and checks the state that comes back', async ({ ask }) => {
    const { confirm } = await ask({ confirm: askForm('Please confirm', confirmField) }, { sealed: true });
    return textResult(`state-ok: ${fieldOf(confirm, 'ok')}`);
  }),
  tool(`${PREFIX}multiple_inputs`, 'Asks three things at once', async ({ ask }) => {
    const { user_name, greeting, client_roots } = await ask(
      {
        user_name: askForm('What is your name?', nameField),
        greeting: askModel('Generate a greeting', 50),
        client_roots: askRoots,
      },
      { sealed: true },
    );
    return textResult(`${modelText(greeting)} ${fieldOf(user_name, 'name')} (${rootUris(client_roots).join(', ')})`);
  }),
  tool(`${PREFIX}multi_round`, 'Asks twice, one after the other', async ({ ask }) => {
    const { step1 } = await ask({ step1: askForm('Step 1: What is your name?', nameField) }, { sealed: true });
    const { step2 } = await ask(
      { step2: askForm('Step 2: What is your favorite color?', { color: { type: 'string' } }) },
      { sealed: true },
    );
    return textResult(`${fieldOf(step1, 'name')} likes ${fieldOf(step2, 'color')}`);
  }),
  tool(`${PREFIX}tampered_state`, 'Asks and refuses a state that was altered', async ({ ask }) => {
    const { confirm } = await ask({ confirm: askForm('Please confirm', confirmField) }, { sealed: true });
    return textResult(`confirmed: ${fieldOf(confirm, 'ok')}`);
  }),
  tool(`${PREFIX}capabilities`, 'Asks only what the client can answer', async ({ ask, clientCapabilities }) => {
    const all: Record<string, Question> = {
      form: askForm('Say something', { value: { type: 'string' } }),
      model: askModel('Say something', 50),
      roots: askRoots,
    };
    const possible = Object.entries(all).filter(([, question]) => capabilityOf(question) in clientCapabilities);
    const answers = await ask(Object.fromEntries(possible));
    return textResult(`answered: ${Object.keys(answers).join(', ') || 'nothing'}`);
  }),
  tool('test_missing_capability', 'Needs a client that offers sampling', async ({ ask }) => {
    const { reply } = await ask({ reply: askModel('Say something') });
    return textResult(modelText(reply));
  }),
  tool('test_streaming_elicitation', 'Reports progress, then asks', async (context) => {
    await context.progress(1, 2);
    const { confirm } = await context.ask({ confirm: askForm('Please confirm', confirmField) });
    return textResult(`confirmed: ${fieldOf(confirm, 'ok')}`);
  }),
];
