import {
  compileSchema,
  readDeclaredProperties,
  SchemaFault,
  type DeclaredProperties,
  type SchemaCheck,
} from '#lib/json-schema';
import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import type { RestTool } from '../../../registry/index.js';
import { ArgumentFault, UnusableSchema } from './argument-fault.js';

/** What the arguments of a tool must be, and which of them may be sent under their own names. */
interface ArgumentRules {
  readonly check: SchemaCheck;
  readonly declared: DeclaredProperties;
  /** Names of parameters, headers and members of the body whose values the operator has set, in lower case. */
  readonly fixed: ReadonlySet<string>;
}

/** The rules of a tool, or why its schema cannot be used. */
const knownRules = new WeakMap<RestTool, ArgumentRules | UnusableSchema>();

/** Rejects arguments that do not match the schema of the tool. @throws ArgumentFault, UnusableSchema */
export function checkArguments(tool: RestTool, args: JsonObject): void {
  const fault = rulesOf(tool).check(args);
  if (fault !== undefined) throw new ArgumentFault(fault);
}

/**
 * Returns the arguments that are sent under their own names, of those that no template uses. Arguments that the schema does
 * not declare are omitted.
 * @throws ArgumentFault for a name whose value the operator has set: a server may prefer the second value
 */
export function selectSent(tool: RestTool, url: URL, unused: JsonObject): JsonObject {
  const { declared, fixed } = rulesOf(tool);
  const sent = Object.entries(unused).filter(
    ([name]) => declared.has(name) || (declared.isOpen && name !== '__proto__'),
  );
  const urlNames = sent.length === 0 ? NO_NAMES : namesOf(url.searchParams.keys());
  for (const [name] of sent) checkNotFixed(name, [fixed, urlNames], declared.has(name));
  return Object.fromEntries(sent);
}

/** Rejects a value of the caller for a name that the URL of the server sets. @throws ArgumentFault */
export function checkNotInUrl(url: URL, name: string): void {
  if (url.search !== '') checkNotFixed(name, [namesOf(url.searchParams.keys())], true);
}

/**
 * Rejects an argument whose name at the API is one that the operator has set. `isDeclared`: the tool declares the name; the
 * caller chooses others.
 * @throws ArgumentFault
 */
export function checkMayName(tool: RestTool, url: URL, argument: string, name: string, isDeclared = true): void {
  const { fixed } = rulesOf(tool);
  if (fixed.size === 0 && url.search === '') return;
  checkNotFixed(name, [fixed, namesOf(url.searchParams.keys())], isDeclared, argument);
}

const NO_NAMES: ReadonlySet<string> = new Set();

const namesOf = (names: Iterable<string>): ReadonlySet<string> => new Set([...names].map((name) => name.toLowerCase()));

/** Servers differ in how they read names: `a[]`, `a.b`, ` a` and `A` may all set `a`. */
function checkNotFixed(
  name: string,
  fixed: readonly ReadonlySet<string>[],
  isDeclared: boolean,
  argument = name,
): void {
  const lower = name.toLowerCase();
  const collides = (set: ReadonlySet<string>): boolean =>
    set.has(lower) ||
    [...set].some((each) => toBareName(each) === toBareName(lower) && (!isDeclared || /[^\w-]/.test(lower)));
  if (fixed.some(collides)) {
    throw new ArgumentFault(
      `The argument ${argument.toWellFormed()} must be omitted: the operator of the tool has set it.`,
    );
  }
}

const toBareName = (name: string): string => (name.trimStart().split(/[[\]\0]/)[0] ?? '').replaceAll(/[^a-z0-9]/g, '');

function rulesOf(tool: RestTool): ArgumentRules {
  let known = knownRules.get(tool);
  if (known === undefined) {
    known = readRules(tool);
    knownRules.set(tool, known);
  }
  if (known instanceof UnusableSchema) throw known;
  return known;
}

function readRules(tool: RestTool): ArgumentRules | UnusableSchema {
  const { inputSchema, query, headers, body } = tool;
  const fixed = new Set([...fixedNames(query), ...fixedNames(headers), ...fixedNames(isJsonObject(body) ? body : {})]);
  try {
    return { check: compileSchema(inputSchema), declared: readDeclaredProperties(inputSchema), fixed };
  } catch (fault) {
    if (fault instanceof SchemaFault) return new UnusableSchema(fault.message);
    throw fault;
  }
}

const ONLY_A_PLACEHOLDER = /^\{[a-z_][\w.-]*\}$/i;

/** Names whose values the caller does not choose alone. */
function fixedNames(values: Readonly<Record<string, unknown>> = {}): string[] {
  const isChosen = (value: unknown): boolean => typeof value === 'string' && ONLY_A_PLACEHOLDER.test(value);
  return Object.entries(values).flatMap(([name, value]) => (isChosen(value) ? [] : [name.toLowerCase()]));
}
