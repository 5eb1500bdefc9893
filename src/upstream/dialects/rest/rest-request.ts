import { isJsonObject, trimOptionalWhitespace, type JsonValue } from '#lib/mcp-protocol';
import { METHODS_WITH_BODY, type RestTool } from '../../../registry/index.js';
import { ArgumentFault } from './argument-fault.js';
import { checkArguments, checkNotInUrl, selectSent } from './argument-rules.js';
import { CallArguments, hasPlaceholder, toText } from './call-arguments.js';

/** The HTTP request of a tool call. Everything in `path` is percent-encoded. */
export interface RestRequest {
  readonly method: RestTool['method'];
  /** Path and query. */
  readonly path: string;
  /** JSON; null when the method has no body. */
  readonly body: string | null;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

const PARAMETER = /\{([^}]+)\}/g;
// Latin-1 without control characters (RFC 9110, 5.5).
const HEADER_VALUE = /^[\x20-\x7e\x80-\xff]*$/;
/** Dot segments, encoded or not, which normalization resolves to another path (RFC 3986, 5.2.4 and 6.2.2). */
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?=\/|$)/i;
/** Some servers decode a path before they normalize it, and some treat a backslash as a slash. */
const DECODED_DOT_SEGMENT = /(?:^|[/\\])\.{1,2}(?=[/\\]|$)/;

/**
 * Composes the HTTP request of a tool call. Templates of the tool's path, headers, query and body determine where
 * arguments go. Arguments that the schema declares and no template uses go into the body, or into the query when the method
 * has no body, unless the tool defines these.
 * @param base URL to which the tool's path is appended; its query comes first
 * @throws ArgumentFault
 */
export function composeRequest(base: URL, tool: RestTool, given: JsonValue | undefined): RestRequest {
  const args = given ?? {};
  if (given === null || !isJsonObject(args)) throw new ArgumentFault('params.arguments must be an object.');
  const values = new CallArguments(args);
  const { method } = tool;
  checkArguments(tool, args);
  const address = base.pathname.replace(/\/$/, '') + toPath(tool, values);
  const headers = Object.entries(tool.headers ?? {}).flatMap(([name, template]) => toHeader(name, template, values));
  const pairs = Object.entries(tool.query ?? {}).flatMap(([name, template]) =>
    toTemplatePairs(base, name, template, values),
  );
  const mapped = tool.body === undefined ? undefined : (values.expandAll(tool.body) ?? null);
  const hasBody = METHODS_WITH_BODY.has(method);
  const isMapped = hasBody ? mapped !== undefined : tool.query !== undefined;
  const rest = isMapped ? {} : selectSent(tool, base, values.unused());
  const more = hasBody ? [] : Object.entries(rest).flatMap(([name, value]) => toQueryPairs(name, value));
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

/** A header whose argument is missing is omitted. */
function toHeader(name: string, template: string, values: CallArguments): string[] {
  const value = values.expand(template);
  if (value === undefined || value === null) return [];
  const text = toText(value);
  if (HEADER_VALUE.test(text)) return [name.toLowerCase(), trimOptionalWhitespace(text)];
  throw new ArgumentFault(`The value of the header ${name} must be one line of Latin-1 characters.`);
}

function toPathText(name: string, value: JsonValue | undefined): string {
  if (value === undefined) throw new ArgumentFault(`The argument ${name} is missing.`);
  if (value === null || Array.isArray(value) || isJsonObject(value)) {
    throw new ArgumentFault(`The argument ${name} must be a string, a number or a boolean.`);
  }
  const text = toText(value);
  // Without the argument the path would address another resource, usually the whole collection.
  if (text === '') throw new ArgumentFault(`The argument ${name} must not be empty.`);
  if (DECODED_DOT_SEGMENT.test(text)) throw pathTraversalFault(name);
  return text;
}

const pathTraversalFault = (name: string): ArgumentFault =>
  new ArgumentFault(`The argument ${name} must not contain a dot segment ("." or "..").`);

/** A value of the caller never joins one that the URL of the server sets. */
function toTemplatePairs(base: URL, name: string, template: string, values: CallArguments): string[] {
  const pairs = toQueryPairs(name, values.expand(template));
  if (pairs.length > 0 && hasPlaceholder(template)) checkNotInUrl(base, name);
  return pairs;
}

/** A list repeats its name. Null is omitted, because a query cannot express it. */
function toQueryPairs(name: string, value: JsonValue | undefined): string[] {
  if (value === undefined || value === null) return [];
  const items = Array.isArray(value) ? value : [value];
  return items.map((item) => `${percentEncode(name, name)}=${percentEncode(name, toText(item))}`);
}

function percentEncode(name: string, text: string): string {
  if (!text.isWellFormed()) throw new ArgumentFault(`The argument ${name.toWellFormed()} is not well-formed Unicode.`);
  return encodeURIComponent(text);
}
