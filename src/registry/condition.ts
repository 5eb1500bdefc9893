import { Environment, type ASTNode } from '@marcbachmann/cel-js';
import { withPlainNumbers, type JsonObject } from '#lib/mcp-protocol';
import { CostMeter, costLimitsOf, LOOPS } from './condition-cost.js';
import { rule } from './entry-rules.js';

/** The input of a condition: the claims of the caller and the arguments of the call. */
export interface ConditionContext {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly args: JsonObject;
}

/** The compiled condition of a policy. */
export interface Condition {
  /** True when the condition reads the arguments of a call, so that it cannot be evaluated without a call. */
  readonly usesArgs: boolean;
  /**
   * @throws Error when the condition cannot be evaluated, for example because it reads a missing claim, or more of the
   * arguments than its cost allows
   */
  evaluate(facts: ConditionContext): boolean;
}

const MAX_EXPRESSION_LENGTH = 2_000;
const LIMITS = { maxAstNodes: 500, maxDepth: 32, maxListElements: 200, maxMapEntries: 50, maxCallArguments: 8 };
/** A regular expression over input of the caller may take exponential time. */
const FORBIDDEN: ReadonlySet<string> = new Set(['matches']);

const environment = new Environment({ limits: LIMITS })
  .registerVariable('claims', 'map<string, dyn>')
  .registerVariable('args', 'map<string, dyn>');

/**
 * Compiles an expression of the Common Expression Language (https://cel.dev) over `claims` and `args`.
 * @throws Error that says why the expression is rejected
 */
export function parseCondition(expression: string): Condition {
  if (expression.length > MAX_EXPRESSION_LENGTH) {
    throw new Error(`it is longer than ${MAX_EXPRESSION_LENGTH} characters`);
  }
  const parsed = environment.parse(expression);
  const { valid, type, error } = parsed.check();
  if (!valid) throw error ?? new Error('it cannot be parsed');
  if (type !== 'bool' && type !== 'dyn') throw new Error(`it must have the type bool, not ${String(type)}`);
  const used = new Set<string>();
  collectNames(parsed.ast, used, false);
  const limits = costLimitsOf(parsed.ast);
  return {
    usesArgs: used.has('args'),
    evaluate: ({ claims, args }) => {
      const meter = new CostMeter(limits);
      const value = withoutStackTraces(
        () => parsed({ claims: meter.observe(claims), args: meter.observe(withPlainNumbers(args)) }) as unknown,
      );
      meter.requireWithinLimits();
      if (typeof value !== 'boolean') throw new Error('it evaluated to neither true nor false');
      return value;
    },
  };
}

/** A loop may fail for each item of a list: without stack traces an error takes a quarter of the time. */
function withoutStackTraces<T>(evaluate: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return evaluate();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** A construct that the language has and conditions may not use. */
class ConstructRefused extends Error {
  constructor(
    message: string,
    /** Where in the expression it begins and ends. */
    readonly range: { readonly start: number; readonly end: number },
  ) {
    super(message);
  }
}

/** Why an expression is no condition. */
export interface ConditionFault {
  /** One line that describes the fault. */
  readonly message: string;
  /** Where the fault is: line and column, counted from 1. Absent: in the expression as a whole. */
  readonly line?: number;
  readonly column?: number;
}

/** A condition, or why and where an expression is none. */
export type CheckedCondition =
  { readonly condition: Condition; readonly fault?: undefined } | { readonly fault: ConditionFault };

export function checkCondition(expression: string): CheckedCondition {
  try {
    return { condition: parseCondition(expression) };
  } catch (cause) {
    return { fault: toFault(cause, expression) };
  }
}

function toFault(cause: unknown, expression: string): ConditionFault {
  const message = firstLine(cause);
  const position = positionOf(cause);
  if (position === undefined) return { message };
  const before = expression.slice(0, position).split('\n');
  return { message, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** Errors of the parser and of the type checker have the range in the expression that they are about. */
function positionOf(cause: unknown): number | undefined {
  if (typeof cause !== 'object' || cause === null || !('range' in cause)) return undefined;
  const { range } = cause as { readonly range?: { readonly start?: unknown } };
  return typeof range?.start === 'number' ? range.start : undefined;
}

/** Validates the CEL expression of a policy. */
export function IsCondition(): PropertyDecorator {
  const validate = (value: unknown) => typeof value === 'string' && checkCondition(value).fault === undefined;
  const defaultMessage = ({ value }: { value?: unknown } = {}) =>
    `must be a CEL expression over claims and args that evaluates to true or false: ${typeof value === 'string' ? checkCondition(value).fault?.message : 'it must be a string'}`;
  const description = 'A CEL expression over claims and args that evaluates to true or false.';
  return rule('isCondition', defaultMessage, { type: 'string', format: 'cel', description }, validate);
}

/** Returns the message of a fault without the excerpt of the expression that follows it. */
export const firstLine = (fault: unknown): string =>
  (fault instanceof Error ? fault.message : String(fault)).split('\n', 1)[0] ?? '';

/** Collects the variables that an expression uses. @throws Error for a construct that may take too long */
function collectNames(node: unknown, used: Set<string>, inLoop: boolean): void {
  if (Array.isArray(node)) for (const each of node) collectNames(each, used, inLoop);
  if (!isNode(node)) return;
  if (node.op === 'id') used.add(node.args);
  const name = node.op === 'call' || node.op === 'rcall' ? node.args[0] : '';
  if (FORBIDDEN.has(name))
    throw new ConstructRefused(`${name}() may take too long; use startsWith, endsWith or contains`, node);
  const isLoop = node.op === 'rcall' && LOOPS.has(name);
  if (isLoop && inLoop) throw new ConstructRefused(`${name}() within another loop may take too long`, node);
  collectNames(node.args, used, inLoop || isLoop);
}

const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'op' in value;
