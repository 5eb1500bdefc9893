import { setTimeout as pause } from 'node:timers/promises';

import { schemaOf, textResult, type LogLevel, type Tool } from './feature.js';

const LEVELS: LogLevel[] = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** The conformance suite expects messages in separate packets. */
const STEP_MS = 50;

const slow: Tool = {
  definition: {
    name: 'slow',
    description: 'Takes durationMs in as many steps as asked for, reports progress, stops when it is cancelled',
    inputSchema: {
      type: 'object',
      properties: {
        durationMs: { type: 'integer', minimum: 0, maximum: 600_000 },
        steps: { type: 'integer', minimum: 1, maximum: 1_000, default: 10 },
      },
      required: ['durationMs'],
    },
  },
  async run(args, context) {
    const steps = Number(args['steps'] ?? 10);
    for (let step = 1; step <= steps; step += 1) {
      await pause(Number(args['durationMs']) / steps, undefined, { signal: context.signal });
      await context.progress(step, steps, `step ${step} of ${steps}`);
    }
    return textResult(`done after ${steps} steps`);
  },
};

const hold: Tool = {
  definition: {
    name: 'hold',
    description: 'Reports progress once, then stays open until release is called with the same key',
    inputSchema: schemaOf({ key: { type: 'string' } }),
  },
  execution: { taskSupport: 'forbidden' },
  async run({ key }, context) {
    await context.progress(0, 1, 'holding');
    await context.world.waitForRelease(String(key), context.signal);
    return textResult(`released ${String(key)}`);
  },
};

const release: Tool = {
  definition: {
    name: 'release',
    description: 'Lets every call of hold with this key finish, now and later',
    inputSchema: schemaOf({ key: { type: 'string' } }),
  },
  run({ key }, { world }) {
    world.release(String(key));
    return textResult('released');
  },
};

const logAtLevels: Tool = {
  definition: { name: 'log_at_levels', description: 'Logs one message at each level', inputSchema: schemaOf() },
  async run(_args, context) {
    for (const level of LEVELS) await context.log(level, `a message at level ${level}`);
    return textResult(`logged at ${LEVELS.length} levels`);
  },
};

const threeLogs: Tool = {
  definition: { name: 'test_tool_with_logging', description: 'Logs three times at info', inputSchema: schemaOf() },
  async run(_args, context) {
    await context.log('info', 'Tool execution started');
    await pause(STEP_MS);
    await context.log('info', 'Tool processing data');
    await pause(STEP_MS);
    await context.log('info', 'Tool execution completed');
    return textResult('Logged three messages');
  },
};

const oneLog: Tool = {
  definition: { name: 'test_logging_tool', description: 'Logs once if the client wants logs', inputSchema: schemaOf() },
  async run(_args, context) {
    await context.log('info', 'a message for those who asked for messages');
    return textResult('Logged');
  },
};

const threeProgresses: Tool = {
  definition: { name: 'test_tool_with_progress', description: 'Reports 0, 50 and 100 of 100', inputSchema: schemaOf() },
  async run(_args, context) {
    await context.progress(0, 100);
    await pause(STEP_MS);
    await context.progress(50, 100);
    await pause(STEP_MS);
    await context.progress(100, 100);
    return textResult('Reported progress three times');
  },
};

const reconnect: Tool = {
  definition: {
    name: 'test_reconnection',
    description: 'Closes the stream of its own call; the result waits for the client that resumes',
    inputSchema: schemaOf(),
  },
  async run(_args, context) {
    await pause(STEP_MS);
    context.dropStream();
    await pause(2 * STEP_MS);
    return textResult('The stream was closed and resumed');
  },
};

/** Tools that run for some time and report progress or log messages. */
export const runningTools: Tool[] = [slow, hold, release, logAtLevels, threeLogs, oneLog, threeProgresses, reconnect];
