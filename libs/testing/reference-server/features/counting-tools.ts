import { schemaOf, textResult, type Tool } from './feature.js';
import type { CallEvent } from './call-counters.js';

const EVENTS: readonly CallEvent[] = ['started', 'finished', 'failed', 'cancelled', 'asked'];

const countCalls: Tool = {
  definition: {
    name: 'count_calls',
    description: 'Says how often a tool was called and how that ended',
    inputSchema: schemaOf({ tool: { type: 'string' } }),
  },
  run({ tool }, { world }) {
    const counts = { ...world.calls.of(String(tool)) };
    return { ...textResult(JSON.stringify(counts)), structuredContent: counts };
  },
};

const awaitCalls: Tool = {
  definition: {
    name: 'await_calls',
    description: 'Returns once something happened so many times to the calls of a tool',
    inputSchema: schemaOf({
      tool: { type: 'string' },
      event: { type: 'string', enum: [...EVENTS] },
      count: { type: 'integer', minimum: 1 },
    }),
  },
  async run({ tool, event, count }, { world }) {
    const known = EVENTS.find((each) => each === event) ?? 'started';
    await world.calls.until(String(tool), known, Number(count));
    return textResult(`${String(tool)} ${known} ${Number(count)} times`);
  },
};

/** Access to the call counters for tests whose server runs in another process. */
export const countingTools: Tool[] = [countCalls, awaitCalls];
