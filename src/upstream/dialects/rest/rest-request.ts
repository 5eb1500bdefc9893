import { isJsonObject, type JsonValue } from '#lib/mcp-protocol';
import { METHODS_WITH_BODY, type RestParameter, type RestTool } from '../../../registry/index.js';
import { ArgumentFault } from './argument-fault.js';
import { checkArguments, checkNotInUrl, selectSent } from './argument-rules.js';
import { CallArguments, hasPlaceholder, toText } from './call-arguments.js';
import { composeBody, type ComposedBody } from './request-body.js';
import { composeParameters, requireWellFormed, toHeaderValue } from './request-parameters.js';
import { toPathPart } from './value-styles.js';

/** The HTTP request of a tool call. Everything in `path` is percent-encoded. */
export interface RestRequest {
  readonly method: RestTool['method'];
  /** Path and query. */
  readonly path: string;
  /** Null when there is none. */
  readonly body: string | Buffer | null;
  /** Names in lower case and values in turn. */
  readonly headers: readonly string[];
}

const PARAMETER = /\{([^}]+)\}/g;
/** Dot segments, encoded or not, which normalization resolves to another path (RFC 3986, 5.2.4 and 6.2.2). */
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?=\/|$)/i;
/** Some servers decode a path before they normalize it, and some treat a backslash as a slash. */
const DECODED_DOT_SEGMENT = /(?:^|[/\\])\.{1,2}(?=[/\\]|$)/;

/**
 * Composes the HTTP request of a tool call. Templates of the tool's path, headers, query and body determine where
 * arguments go. Arguments that the schema declares and no template uses go into the body, or into the query when the method
 * has no body, unless the tool defines these. `parameters` and `requestBody` of the tool send them under other names, in other
 * styles and as other media types.
 * @param base URL to which the tool's path is appended; its query comes first
 * @param configured headers of the server by name in lower case
 * @throws ArgumentFault
 */
export function composeRequest(
  base: URL,
  tool: RestTool,
  given: JsonValue | undefined,
  configured: ReadonlyMap<string, string> = NO_HEADERS,
): RestRequest {
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
  if (tool.parameters !== undefined) {
    const parameters = composeParameters({ tool, url: base, configured }, values);
    pairs.push(...parameters.query);
    headers.push(...parameters.headers, ...toCookieHeader(parameters.cookies, headers, configured));
  }
  if (tool.accept !== undefined) headers.push('accept', tool.accept);
  const body = toBody(tool, base, values);
  if (body !== undefined) headers.push('content-type', body.contentType);
  const isComplete = body !== undefined || hasBody(tool) || tool.query !== undefined;
  const rest = isComplete ? {} : selectSent(tool, base, values.unused());
  const more = Object.entries(rest).flatMap(([name, value]) => toQueryPairs(name, value));
  const query = [base.search.slice(1), ...pairs, ...more].filter((part) => part !== '').join('&');
  return { method, path: query === '' ? address : `${address}?${query}`, body: body?.content ?? null, headers };
}

const NO_HEADERS: ReadonlyMap<string, string> = new Map();

const hasBody = ({ method, body, requestBody }: RestTool): boolean =>
  METHODS_WITH_BODY.has(method) || body !== undefined || requestBody !== undefined;

function toBody(tool: RestTool, base: URL, values: CallArguments): ComposedBody | undefined {
  if (tool.requestBody !== undefined) return composeBody(tool.requestBody, tool, base, values);
  if (!hasBody(tool)) return undefined;
  const body =
    tool.body === undefined ? selectSent(tool, base, values.unused()) : (values.expandAll(tool.body) ?? null);
  return { content: JSON.stringify(body), contentType: 'application/json' };
}

/** Takes the cookies of the operator out of `headers`: they come first and stay. */
function toCookieHeader(
  cookies: readonly string[],
  headers: string[],
  configured: ReadonlyMap<string, string>,
): string[] {
  if (cookies.length === 0) return [];
  const at = headers.indexOf('cookie');
  const own = at < 0 ? configured.get('cookie') : headers.splice(at, 2)[1];
  return ['cookie', [own ?? '', ...cookies].filter((cookie) => cookie !== '').join('; ')];
}

function toPath(tool: RestTool, values: CallArguments): string {
  const names: string[] = [];
  const path = tool.path.replace(PARAMETER, (_whole, name: string) => {
    names.push(name);
    const parameter = tool.parameters?.[name];
    const value = values.use(name);
    return parameter === undefined
      ? percentEncode(name, toPathText(name, value))
      : toStyledPart(name, parameter, requirePresent(name, value));
  });
  if (DOT_SEGMENT.test(path)) throw pathTraversalFault(names.join(' or '));
  return path;
}

function toStyledPart(argument: string, parameter: RestParameter, value: JsonValue): string {
  requireWellFormed(argument, value);
  for (const text of toTexts(value)) if (DECODED_DOT_SEGMENT.test(text)) throw pathTraversalFault(argument);
  const part = toPathPart(parameter.name ?? argument, value, parameter);
  if (part === '' || value === '') throw emptyFault(argument);
  return part;
}

/** The texts of a value that a server may decode by themselves. */
function toTexts(value: JsonValue): readonly string[] {
  if (Array.isArray(value)) return value.map(toText);
  return isJsonObject(value)
    ? Object.entries(value).flatMap(([name, item]) => [name, toText(item ?? null)])
    : [toText(value)];
}

/** A header whose argument is missing is omitted. */
function toHeader(name: string, template: string, values: CallArguments): string[] {
  const value = values.expand(template);
  if (value === undefined || value === null) return [];
  return [name.toLowerCase(), toHeaderValue(name, toText(value))];
}

function requirePresent(name: string, value: JsonValue | undefined): JsonValue {
  if (value === undefined) throw new ArgumentFault(`The argument ${name} is missing.`);
  if (value === null) throw new ArgumentFault(`The argument ${name} must not be null.`);
  return value;
}

function toPathText(name: string, value: JsonValue | undefined): string {
  if (value === undefined) throw new ArgumentFault(`The argument ${name} is missing.`);
  if (value === null || Array.isArray(value) || isJsonObject(value)) {
    throw new ArgumentFault(`The argument ${name} must be a string, a number or a boolean.`);
  }
  const text = toText(value);
  if (text === '') throw emptyFault(name);
  if (DECODED_DOT_SEGMENT.test(text)) throw pathTraversalFault(name);
  return text;
}

/** Without the argument the path would address another resource, usually the whole collection. */
const emptyFault = (name: string): ArgumentFault => new ArgumentFault(`The argument ${name} must not be empty.`);

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
