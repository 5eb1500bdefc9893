import { schemaOf, textResult, type Tool } from './feature.js';
import type { ListName } from './world.js';
import { WATCHED_URI } from './resources.js';

function toggling(name: string, list: ListName): Tool {
  return {
    definition: {
      name,
      description: `Adds the extra entry to the list of ${list}, or takes it away`,
      inputSchema: schemaOf(),
    },
    run(_args, { world }) {
      world.toggleExtra(list);
      return textResult(`the list of ${list} changed`);
    },
  };
}

/** Tools that change what the server offers, so that it has something to notify. */
export const changingTools: Tool[] = [
  toggling('change_tools', 'tools'),
  toggling('change_prompts', 'prompts'),
  toggling('change_resources', 'resources'),
  toggling('test_trigger_tool_change', 'tools'),
  toggling('test_trigger_prompt_change', 'prompts'),
  {
    definition: {
      name: 'touch_resource',
      description: 'Changes a resource: the watched one unless a URI is given',
      inputSchema: { type: 'object', properties: { uri: { type: 'string' } } },
    },
    run(args, { world }) {
      const uri = typeof args['uri'] === 'string' ? args['uri'] : WATCHED_URI;
      world.touch(uri);
      return textResult(`${uri} is at revision ${world.revisionOf(uri)}`);
    },
  },
];

/** Listed only while `ReferenceWorld.hasExtra` returns true. */
export const extraTool: Tool = {
  definition: { name: 'extra_tool', description: 'Comes and goes', inputSchema: schemaOf() },
  run: () => textResult('the extra tool'),
};
