import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { CommandFault } from './exit-code.js';

const PAIR = /^([^=:]+)(:?=)([\s\S]*)$/;

/**
 * Reads the arguments of a tool: `name=text`, `name:=JSON`, and a JSON object that they extend. Throws a CommandFault that
 * names the unreadable one.
 */
export function readCallArguments(pairs: readonly string[], json?: string): JsonObject {
  const args: Record<string, JsonValue | undefined> = json === undefined ? {} : { ...readObject(json) };
  for (const pair of pairs) {
    const [, name, sign, text] = PAIR.exec(pair) ?? [];
    if (name === undefined || text === undefined)
      throw new CommandFault(`Argument ${pair}: expected name=text, or name:=JSON.`);
    const value = sign === '=' ? text : readJson(text, `Argument ${name}`);
    // An assignment would set the prototype for the name `__proto__`.
    Object.defineProperty(args, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return args;
}

function readObject(json: string): JsonObject {
  const value = readJson(json, '--args');
  if (isJsonObject(value)) return value;
  throw new CommandFault('--args: expected a JSON object.');
}

function readJson(text: string, place: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (fault) {
    throw new CommandFault(`${place}: not valid JSON: ${fault instanceof Error ? fault.message : String(fault)}.`);
  }
}
