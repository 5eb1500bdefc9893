import { fromJsonSchema } from '@modelcontextprotocol/server';

import { askingTools } from './asking-tools.js';
import { changingTools, extraTool } from './changing-tools.js';
import { contentTools } from './content-tools.js';
import { countingTools } from './counting-tools.js';
import { INVALID_PARAMS, ProtocolFailure, textResult } from './feature.js';
import type { FeatureContext, Tool, ToolResult } from './feature.js';
import type { Json } from './schema.js';
import { InputNeeded } from './input-needed.js';
import { replayTools } from './replay-tools.js';
import { requestTools } from './request-tools.js';
import { runningTools } from './running-tools.js';
import type { ReferenceWorld } from './world.js';

const tools: Tool[] = [
  ...contentTools,
  ...requestTools,
  ...runningTools,
  ...changingTools,
  ...countingTools,
  ...askingTools,
  ...replayTools,
];
const byName = new Map(tools.map((tool) => [tool.definition.name, tool]));
const validators = new Map<string, ReturnType<typeof fromJsonSchema>>();

export function toolsIn(world: ReferenceWorld): Tool[] {
  const all = world.hasExtra('tools') ? [...tools, extraTool] : tools;
  return all.map((tool) => {
    const description = world.descriptionOf(tool.definition.name);
    return description === undefined ? tool : { ...tool, definition: { ...tool.definition, description } };
  });
}

export function findTool(world: ReferenceWorld, name: string): Tool | undefined {
  if (name === extraTool.definition.name) return world.hasExtra('tools') ? extraTool : undefined;
  return byName.get(name);
}

/**
 * Runs a tool and counts the call. A failure of the tool and invalid arguments are results with `isError`. Throws for
 * an unknown tool, a protocol failure and a question that ends the call.
 */
export async function callTool(name: string, args: Json, context: FeatureContext): Promise<ToolResult> {
  const tool = findTool(context.world, name);
  if (!tool) throw new ProtocolFailure(INVALID_PARAMS, `Tool ${name} not found`);
  const { calls } = context.world;
  calls.record(name, 'started');
  try {
    const complaint = await validationError(args, tool);
    const result = complaint === undefined ? await tool.run(args, context) : failed(complaint);
    calls.record(name, result.isError ? 'failed' : 'finished');
    return result;
  } catch (error) {
    if (error instanceof InputNeeded) throw error;
    calls.record(name, context.signal.aborted ? 'cancelled' : 'failed');
    if (error instanceof ProtocolFailure) throw error;
    return failed(error instanceof Error ? error.message : String(error));
  }
}

async function validationError(args: Json, { definition }: Tool): Promise<string | undefined> {
  let validator = validators.get(definition.name);
  if (!validator) {
    validator = fromJsonSchema(definition.inputSchema);
    validators.set(definition.name, validator);
  }
  const { issues } = await validator['~standard'].validate(args);
  return issues && `Invalid arguments for ${definition.name}: ${issues.map(({ message }) => message).join('; ')}`;
}

function failed(message: string): ToolResult {
  return { ...textResult(message), isError: true };
}
