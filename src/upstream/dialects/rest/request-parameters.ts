import { isJsonObject, trimOptionalWhitespace, type JsonValue } from '#lib/mcp-protocol';
import type { RestParameter, RestTool } from '../../../registry/index.js';
import { ArgumentFault } from './argument-fault.js';
import { checkMayName } from './argument-rules.js';
import type { CallArguments } from './call-arguments.js';
import { toHeaderText, toPairs, type Pair } from './value-styles.js';

// Latin-1 without control characters (RFC 9110, 5.5).
const HEADER_VALUE = /^[\x20-\x7e\x80-\xff]*$/;

/** The parts of a request that `parameters` of a tool describe. */
export interface ComposedParameters {
  /** `name=value` */
  readonly query: readonly string[];
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** `name=value` */
  readonly cookies: readonly string[];
}

interface Destination {
  readonly tool: RestTool;
  readonly url: URL;
  /** Headers of the server by name in lower case. */
  readonly configured: ReadonlyMap<string, string>;
}

/** Sends each argument at the place and under the name of its parameter. Null counts as absent. @throws ArgumentFault */
export function composeParameters(destination: Destination, values: CallArguments): ComposedParameters {
  const composed = { query: [] as string[], headers: [] as string[], cookies: [] as string[] };
  for (const [argument, parameter] of Object.entries(destination.tool.parameters ?? {})) {
    if (parameter.in === 'path' || parameter.in === 'body') continue;
    const value = values.use(argument);
    if (value === undefined || value === null) continue;
    const { name = argument } = parameter;
    if (parameter.in === 'query') composed.query.push(...toQuery(destination, argument, parameter, value));
    if (parameter.in === 'header') composed.headers.push(...toHeader(destination, argument, name, value, parameter));
    if (parameter.in === 'cookie') composed.cookies.push(...toCookies(destination, argument, name, value, parameter));
  }
  return composed;
}

function toQuery(
  { tool, url }: Destination,
  argument: string,
  parameter: RestParameter,
  value: JsonValue,
): readonly string[] {
  const { name = argument, style = 'form', explode = style === 'form' } = parameter;
  requireWellFormed(argument, value);
  checkMayName(tool, url, argument, name);
  // The caller chooses the names of the members of such an object.
  const hasOwnNames = explode && style !== 'deepObject' && style !== 'json' && isJsonObject(value);
  if (hasOwnNames) for (const member of Object.keys(value)) checkMayName(tool, url, argument, member, false);
  return toPairs(name, value, parameter).map(joinPair);
}

function toHeader(
  { tool, url, configured }: Destination,
  argument: string,
  name: string,
  value: JsonValue,
  parameter: RestParameter,
): readonly string[] {
  const lower = name.toLowerCase();
  if (configured.has(lower)) throw fixedByOperator(argument);
  checkMayName(tool, url, argument, name);
  return [lower, toHeaderValue(name, toHeaderText(value, parameter))];
}

/** Returns the value of a header. @throws ArgumentFault when it cannot be one */
export function toHeaderValue(name: string, text: string): string {
  if (HEADER_VALUE.test(text)) return trimOptionalWhitespace(text);
  throw new ArgumentFault(`The value of the header ${name} must be one line of Latin-1 characters.`);
}

/** A list that explodes has a cookie for each item; `&` has no meaning in a cookie. */
function toCookies(
  { tool, configured }: Destination,
  argument: string,
  name: string,
  value: JsonValue,
  parameter: RestParameter,
): readonly string[] {
  requireWellFormed(argument, value);
  const pairs = toPairs(name, value, parameter);
  const fixed = Object.entries(tool.headers ?? {}).filter(([header]) => header.toLowerCase() === 'cookie');
  const cookies = [configured.get('cookie') ?? '', ...fixed.map(([, text]) => text)].join(';').split(';');
  const own = new Set(cookies.map((cookie) => cookie.split('=', 1)[0]?.trim()));
  if (pairs.some(([key]) => own.has(key))) throw fixedByOperator(argument);
  return pairs.map(joinPair);
}

const joinPair = (pair: Pair): string => pair.join('=');

/** JSON.stringify escapes lone surrogates; an even number of backslashes before one is text. */
const ESCAPED_SURROGATE = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;

/** A lone surrogate cannot be percent-encoded. */
export function requireWellFormed(argument: string, value: JsonValue): void {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const isWellFormed = typeof value === 'string' ? text.isWellFormed() : !ESCAPED_SURROGATE.test(text);
  if (!isWellFormed) throw new ArgumentFault(`The argument ${argument.toWellFormed()} is not well-formed Unicode.`);
}

const fixedByOperator = (argument: string): ArgumentFault =>
  new ArgumentFault(`The argument ${argument.toWellFormed()} must be omitted: the operator of the tool has set it.`);
