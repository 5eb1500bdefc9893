import { isJsonObject, type JsonValue } from '#lib/mcp-protocol';
import { METHODS_WITH_BODY, type RestTool } from '../../../registry/index.js';
import { CallArguments, toText } from './call-arguments.js';

/** One HTTP request as a tool's call makes it. Everything in `path` is percent-encoded. */
export interface RestRequest {
  readonly method: RestTool['method'];
  /** Path and query. */
  readonly path: string;
  /** JSON; null where the method carries none. */
  readonly body: string | null;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

/** The arguments cannot become a request of this tool; the message tells the client which one, and why. */
export class ArgumentFault extends Error {
  override readonly name = 'ArgumentFault';
}

const PARAMETER = /\{([^}]+)\}/g;
// Latin-1 without control characters (RFC 9110, 5.5).
const HEADER_VALUE = /^[\x20-\x7e\x80-\xff]*$/;
/** Normalization takes these for steps to another path, encoded or not (RFC 3986, 5.2.4 and 6.2.2). */
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?=\/|$)/i;
/** Some servers decode a path before they normalize it, and some take a backslash for a slash. */
const DECODED_DOT_SEGMENT = /(?:^|[/\\])\.{1,2}(?=[/\\]|$)/;

/**
 * Puts the arguments of a call where they belong: where the path, the headers, the query and the body of the tool name
 * them. What nothing names goes into the body, or into the query where there is no body, unless the tool says what those are.
 * @param base address that the tool's path is added to; its query goes first
 * @throws ArgumentFault
 */
export function composeRequest(base: URL, tool: RestTool, given: JsonValue | undefined): RestRequest {
  const args = given ?? {};
  if (given === null || !isJsonObject(args)) throw new ArgumentFault('params.arguments must be an object.');
  const values = new CallArguments(args);
  const { method } = tool;
  const address = base.pathname.replace(/\/$/, '') + toPath(tool, values);
  const headers = Object.entries(tool.headers ?? {}).flatMap(([name, template]) => toHeader(name, template, values));
  const pairs = Object.entries(tool.query ?? {}).flatMap(([name, template]) =>
    toQueryPairs(name, values.expand(template)),
  );
  const mapped = tool.body === undefined ? undefined : (values.expandAll(tool.body) ?? null);
  const rest = values.unused();
  const hasBody = METHODS_WITH_BODY.has(method);
  const more = hasBody || tool.query ? [] : Object.entries(rest).flatMap(([name, value]) => toQueryPairs(name, value));
  const query = [base.search.slice(1), ...pairs, ...more].filter((part) => part !== '').join('&');
  const body = hasBody ? JSON.stringify(mapped === undefined ? rest : mapped) : null;
  return { method, path: query === '' ? address : `${address}?${query}`, body, headers };
}

function toPath({ path: template }: RestTool, values: CallArguments): string {
  const names: string[] = [];
  const path = template.replace(PARAMETER, (_whole, name: string) => {
    names.push(name);
    return percentEncode(name, toPathText(name, values.use(name)));
  });
  if (DOT_SEGMENT.test(path)) throw pathTraversalFault(names.join(' or '));
  return path;
}

/** A header that stands for an argument that is not given is left out. */
function toHeader(name: string, template: string, values: CallArguments): string[] {
  const value = values.expand(template);
  if (value === undefined || value === null) return [];
  const text = toText(value);
  if (HEADER_VALUE.test(text)) return [name.toLowerCase(), text.trim()];
  throw new ArgumentFault(`What the header ${name} is made of must be one line of Latin characters.`);
}

function toPathText(name: string, value: JsonValue | undefined): string {
  if (value === undefined) throw new ArgumentFault(`The argument ${name} is missing.`);
  if (value === null || Array.isArray(value) || isJsonObject(value)) {
    throw new ArgumentFault(`The argument ${name} must be a text, a number or a boolean.`);
  }
  const text = toText(value);
  // Without it the path would name something else: the whole collection, as a rule.
  if (text === '') throw new ArgumentFault(`The argument ${name} must not be empty.`);
  if (DECODED_DOT_SEGMENT.test(text)) throw pathTraversalFault(name);
  return text;
}

const pathTraversalFault = (name: string): ArgumentFault =>
  new ArgumentFault(`The argument ${name} must not hold a step to another path.`);

/** A list repeats its name. What is null is left out: a query has no word for it. */
function toQueryPairs(name: string, value: JsonValue | undefined): string[] {
  if (value === undefined || value === null) return [];
  const items = Array.isArray(value) ? value : [value];
  return items.map((item) => `${percentEncode(name, name)}=${percentEncode(name, toText(item))}`);
}

function percentEncode(name: string, text: string): string {
  if (!text.isWellFormed()) throw new ArgumentFault(`The argument ${name.toWellFormed()} is no well-formed text.`);
  return encodeURIComponent(text);
}
