import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { RestTool } from '../../../registry/index.js';

/** One HTTP request as a tool's call makes it. Everything in `path` is percent-encoded. */
export interface RestRequest {
  readonly method: RestTool['method'];
  /** Path and query. */
  readonly path: string;
  /** JSON; null where the method carries none. */
  readonly body: string | null;
}

/** The arguments cannot become a request of this tool; the message tells the client which one, and why. */
export class ArgumentFault extends Error {
  override readonly name = 'ArgumentFault';
}

const PARAMETER = /\{([^}]+)\}/g;
/** Normalization takes these for steps to another path, encoded or not (RFC 3986, 5.2.4 and 6.2.2). */
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?=\/|$)/i;
/** Some servers decode a path before they normalize it, and some take a backslash for a slash. */
const DECODED_DOT_SEGMENT = /(?:^|[/\\])\.{1,2}(?=[/\\]|$)/;
const WITH_BODY: ReadonlySet<string> = new Set<RestTool['method']>(['POST', 'PUT', 'PATCH']);

/**
 * Puts the arguments of a call where they belong: named in the path there, all others into the query or the body.
 * @param base address that the tool's path is added to; its query goes first
 * @throws ArgumentFault
 */
export function composeRequest(base: URL, tool: RestTool, given: JsonValue | undefined): RestRequest {
  const args = given ?? {};
  if (given === null || !isJsonObject(args)) throw new ArgumentFault('params.arguments must be an object.');
  const taken = new Set<string>();
  const path = tool.path.replace(PARAMETER, (_whole, name: string) => {
    taken.add(name);
    return encoded(name, pathText(name, Object.hasOwn(args, name) ? args[name] : undefined));
  });
  if (DOT_SEGMENT.test(path)) throw stepAway([...taken].join(' or '));
  const address = base.pathname.replace(/\/$/, '') + path;
  const rest = Object.entries(args).filter(([name]) => !taken.has(name));
  if (WITH_BODY.has(tool.method)) {
    const body = JSON.stringify(Object.fromEntries(rest) satisfies JsonObject);
    return { method: tool.method, path: address + base.search, body };
  }
  const pairs = rest.flatMap(([name, value]) => pairsOf(name, value));
  const query = [base.search.slice(1), ...pairs].filter((part) => part !== '').join('&');
  return { method: tool.method, path: query === '' ? address : `${address}?${query}`, body: null };
}

function pathText(name: string, value: JsonValue | undefined): string {
  if (value === undefined) throw new ArgumentFault(`The argument ${name} is missing.`);
  if (value === null || Array.isArray(value) || isJsonObject(value)) {
    throw new ArgumentFault(`The argument ${name} must be a text, a number or a boolean.`);
  }
  const text = textOf(value);
  // Without it the path would name something else: the whole collection, as a rule.
  if (text === '') throw new ArgumentFault(`The argument ${name} must not be empty.`);
  if (DECODED_DOT_SEGMENT.test(text)) throw stepAway(name);
  return text;
}

const stepAway = (name: string): ArgumentFault =>
  new ArgumentFault(`The argument ${name} must not hold a step to another path.`);

/** A list repeats its name. What is null is left out: a query has no word for it. */
function pairsOf(name: string, value: JsonValue | undefined): string[] {
  if (value === undefined || value === null) return [];
  const items = Array.isArray(value) ? value : [value];
  return items.map((item) => `${encoded(name, name)}=${encoded(name, textOf(item))}`);
}

/** Texts as they are; everything else as JSON, which leaves large integers their digits. */
const textOf = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value));

function encoded(name: string, text: string): string {
  if (!text.isWellFormed()) throw new ArgumentFault(`The argument ${name.toWellFormed()} is no well-formed text.`);
  return encodeURIComponent(text);
}
