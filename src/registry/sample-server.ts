import type { Variables } from '#lib/config';
import type { JsonObject } from '#lib/mcp-protocol';
import { expandVariables } from './expand-variables.js';

/** The program of the sample server, wherever the gateway is installed. */
export const SAMPLE_PROGRAM = {
  command: '${ISTHMUS_NODE}',
  args: ['${ISTHMUS_HOME}/dist/src/sample-server/main.js'],
} as const;

/** What else decides what a program does. A variable such as NODE_OPTIONS makes it another program. */
const OTHER_MEMBERS_OF_PROGRAM = ['env', 'cwd'];

/**
 * Returns the entry of the sample server with its program at this host, or undefined for any other entry. Only the program is
 * expanded, so that no other member can read a variable.
 */
export function toSampleServer(source: JsonObject, variables: Variables): JsonObject | undefined {
  const { transport, command, args } = source;
  const isProgram =
    transport === 'stdio' &&
    command === SAMPLE_PROGRAM.command &&
    Array.isArray(args) &&
    args.length === SAMPLE_PROGRAM.args.length &&
    args.every((arg, index) => arg === SAMPLE_PROGRAM.args[index]);
  if (!isProgram || OTHER_MEMBERS_OF_PROGRAM.some((name) => source[name] !== undefined)) return undefined;
  const program = { command, args };
  return { ...source, ...(expandVariables(program, { variables, secrets: NO_SECRETS, faults: [] }) as JsonObject) };
}

const NO_SECRETS = { depth: 0, resolve: () => ({ fault: 'The sample server has no secrets.' }) };
