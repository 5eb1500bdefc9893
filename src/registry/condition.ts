import { Environment, type ASTNode } from '@marcbachmann/cel-js';
import type { JsonObject } from '#lib/mcp-protocol';
import { rule } from './entry-rules.js';

/** What a condition is judged by. `args`: the arguments of the call, absent where there is no call yet. */
export interface ConditionContext {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly args: JsonObject;
}

/** A condition of a policy, ready to be judged. */
export interface Condition {
  /** It depends on the arguments of a call, and cannot be judged without. */
  readonly usesArgs: boolean;
  /** @throws Error with a sentence, when it cannot be told: what it looks at is not there, for example */
  evaluate(facts: ConditionContext): boolean;
}

const LONGEST = 2_000;
const LIMITS = { maxAstNodes: 500, maxDepth: 32, maxListElements: 200, maxMapEntries: 50, maxCallArguments: 8 };
/** They run through lists of the caller's: one within the other takes time that grows with the square. */
const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);
/** Regular expressions over texts of the caller's may take for ever. */
const FORBIDDEN: ReadonlySet<string> = new Set(['matches']);

const environment = new Environment({ limits: LIMITS })
  .registerVariable('claims', 'map<string, dyn>')
  .registerVariable('args', 'map<string, dyn>');

/**
 * Reads an expression of the Common Expression Language (https://cel.dev) over `claims` and `args`.
 * @throws Error that says what is wrong with it
 */
export function parseCondition(expression: string): Condition {
  if (expression.length > LONGEST) throw new Error(`it is longer than ${LONGEST} characters`);
  const parsed = environment.parse(expression);
  const { valid, type, error } = parsed.check();
  if (!valid) throw error ?? new Error('it cannot be read');
  if (type !== 'bool' && type !== 'dyn') throw new Error(`it must be true or false, and is ${String(type)}`);
  const used = new Set<string>();
  look(parsed.ast, used, false);
  return {
    usesArgs: used.has('args'),
    evaluate: ({ claims, args }) => {
      const value: unknown = parsed({ claims, args });
      if (typeof value !== 'boolean') throw new Error('it came out neither true nor false');
      return value;
    },
  };
}

/** A CEL expression that may stand in a policy. */
export function IsCondition(): PropertyDecorator {
  const validate = (value: unknown) => typeof value === 'string' && faultOf(value) === undefined;
  const defaultMessage = ({ value }: { value?: unknown } = {}) =>
    `must be an expression of CEL over claims and args, which comes out true or false: ${typeof value === 'string' ? faultOf(value) : 'a text'}`;
  const description = 'An expression of CEL over claims and args, which comes out true or false.';
  return rule('isCondition', defaultMessage, { type: 'string', description }, validate);
}

function faultOf(expression: string): string | undefined {
  try {
    parseCondition(expression);
    return undefined;
  } catch (fault) {
    return firstLine(fault);
  }
}

/** Without the excerpt of the expression that follows it. */
export const firstLine = (fault: unknown): string =>
  (fault instanceof Error ? fault.message : String(fault)).split('\n', 1)[0] ?? '';

/** Notes the names that are used. @throws Error for what takes too long */
function look(node: unknown, used: Set<string>, inLoop: boolean): void {
  if (Array.isArray(node)) for (const each of node) look(each, used, inLoop);
  if (!isNode(node)) return;
  if (node.op === 'id') used.add(node.args);
  const name = node.op === 'call' || node.op === 'rcall' ? node.args[0] : '';
  if (FORBIDDEN.has(name)) throw new Error(`${name}() may take too long, use startsWith, endsWith or contains`);
  const isLoop = node.op === 'rcall' && LOOPS.has(name);
  if (isLoop && inLoop) throw new Error(`${name}() within another loop may take too long`);
  look(node.args, used, inLoop || isLoop);
}

const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'op' in value;
