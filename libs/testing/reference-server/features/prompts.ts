import { INVALID_PARAMS, ProtocolFailure } from './feature.js';
import type { Content, FeatureContext, Prompt, PromptResult } from './feature.js';
import { askForm, fieldOf } from './question.js';
import { sampleImage } from './samples.js';
import type { ReferenceWorld } from './world.js';

function userMessages(...contents: Content[]): PromptResult {
  return { messages: contents.map((content) => ({ role: 'user', content })) };
}

const text = (value: string): Content => ({ type: 'text', text: value });

const withArguments: Prompt = {
  definition: {
    name: 'test_prompt_with_arguments',
    title: 'With arguments',
    description: 'Repeats its two arguments',
    arguments: [
      { name: 'arg1', description: 'First argument; can be completed', required: true },
      { name: 'arg2', description: 'Second argument', required: true },
    ],
  },
  get: ({ arg1, arg2 }) => userMessages(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
};

const withResource: Prompt = {
  definition: {
    name: 'test_prompt_with_embedded_resource',
    description: 'Embeds the resource it is given',
    arguments: [{ name: 'resourceUri', description: 'URI of the resource', required: true }],
  },
  get: ({ resourceUri }) =>
    userMessages(
      {
        type: 'resource',
        resource: {
          uri: String(resourceUri),
          mimeType: 'text/plain',
          text: 'Embedded resource content for testing.',
        },
      },
      text('Please process the embedded resource above.'),
    ),
};

const asking: Prompt = {
  definition: { name: 'test_input_required_result_prompt', description: 'Asks for a context before it answers' },
  async get(_args, context) {
    const answers = await context.ask({
      user_context: askForm('What context should the prompt use?', { context: { type: 'string' } }),
    });
    return userMessages(text(`The context is: ${fieldOf(answers.user_context, 'context')}`));
  },
};

const prompts: Prompt[] = [
  {
    definition: { name: 'test_simple_prompt', title: 'Simple', description: 'One sentence' },
    get: () => userMessages(text('This is a simple prompt for testing.')),
  },
  withArguments,
  withResource,
  {
    definition: { name: 'test_prompt_with_image', description: 'Shows an image' },
    get: () => userMessages(sampleImage, text('Please analyze the image above.')),
  },
  asking,
];

const extra: Prompt = {
  definition: { name: 'extra_prompt', description: 'Comes and goes' },
  get: () => userMessages(text('the extra prompt')),
};

export function promptsIn(world: ReferenceWorld): Prompt[] {
  return world.hasExtra('prompts') ? [...prompts, extra] : prompts;
}

export async function getPrompt(
  name: string,
  args: { [name: string]: string },
  context: FeatureContext,
): Promise<PromptResult> {
  const prompt = promptsIn(context.world).find(({ definition }) => definition.name === name);
  if (!prompt) throw new ProtocolFailure(INVALID_PARAMS, `Prompt ${name} not found`);
  const missing = (prompt.definition.arguments ?? []).filter(
    (argument) => argument.required && !(argument.name in args),
  );
  if (missing.length > 0) {
    throw new ProtocolFailure(
      INVALID_PARAMS,
      `Missing argument ${missing.map((argument) => argument.name).join(', ')}`,
    );
  }
  return prompt.get(args, context);
}
