import { ValidateBy } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { DURATION_FORM, formatDuration, parseDuration } from '#lib/config';
import { isHeaderValue, isJsonObject, isToken } from '#lib/mcp-protocol';
import { parseJsonPath } from './json-path.js';

const VARIABLE_NAME = /^[A-Za-z_]\w*$/;

/** The characters of a path (RFC 3986, 3.3) and parameters in braces; no query and no fragment. */
const TOOL_PATH = /^\/(?:[\w.~!$&'()*+,;=:@/-]|%[\da-f]{2}|\{[a-z_][\w.-]*\})*$/i;
/** A URL parser resolves dot segments, which would leave the base path that the operator configured. */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?=\/|$)/i;

/** The gateway sets these headers itself; configured values would break the connection or the protocol. */
const OWN_HEADERS =
  /^(accept|accept-encoding|connection|content-.*|expect|host|keep-alive|last-event-id|mcp-.*|te|trailer|transfer-encoding|upgrade)$/i;

const MAX_WINDOW_MS = 86_400_000;
const MIN_CHECK_INTERVAL_MS = 1_000;
/** Printable ASCII without a fragment. Two slashes would begin the name of another host. */
const OWN_PATH = /^\/(?![/\\])[!"$-~]{0,1999}$/;

const SCALARS: ReadonlySet<string> = new Set(['string', 'number', 'boolean']);
const isScalar = (value: unknown): value is string | number | boolean => SCALARS.has(typeof value);

type Schema = Exclude<Parameters<typeof JSONSchema>[0], (...args: never[]) => unknown>;

/** Defines a validation rule. JSON Schema cannot express all of it, so the OpenAPI document has the schema and the message. */
export function rule(
  name: string,
  message: Message,
  schema: Schema,
  isValid: (value: unknown) => boolean,
): PropertyDecorator {
  const defaultMessage = typeof message === 'string' ? () => message : message;
  const description = typeof message === 'string' ? message : undefined;
  const decorators = [
    ValidateBy({ name, validator: { validate: isValid, defaultMessage } }),
    // A function replaces the schema derived from the type of the member instead of merging with it.
    JSONSchema(() => ({ ...(description !== undefined && { description }), ...schema })) as PropertyDecorator,
  ];
  return (target, member) => decorators.forEach((decorate) => decorate(target, member));
}

type Message = string | ((validated?: { readonly value?: unknown }) => string);

const TEXT = { type: 'string' } as const;
const TEXTS = { type: 'array', items: TEXT } as const;
const SCALAR = { type: ['string', 'number', 'boolean'] } as unknown as { readonly type: 'string' };
const MAPPING = { type: 'object', additionalProperties: SCALAR } as const;

/** Validates a duration between two bounds in milliseconds. */
export function IsDurationBetween(minMs: number, maxMs: number): PropertyDecorator {
  const message = `must be ${DURATION_FORM}, from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  return rule('isDurationBetween', message, TEXT, (value) => {
    const duration = typeof value === 'string' ? parseDuration(value) : undefined;
    return duration !== undefined && duration >= minMs && duration <= maxMs;
  });
}

/** Validates the interval of health checks: from a second to a day, or 0s for none. */
export function IsCheckInterval(): PropertyDecorator {
  const message = `must be ${DURATION_FORM}, from 1s to 1d, or 0s for no checks`;
  return rule('isCheckInterval', message, TEXT, (value) => {
    const interval = typeof value === 'string' ? parseDuration(value) : undefined;
    return interval === 0 || (interval !== undefined && interval >= MIN_CHECK_INTERVAL_MS && interval <= MAX_WINDOW_MS);
  });
}

/** Validates a path with an optional query, which belongs to the origin of the server. */
export function IsOwnPath(): PropertyDecorator {
  const message = 'must be a path of the server, such as /health, without a fragment';
  return rule('isOwnPath', message, TEXT, (value) => typeof value === 'string' && OWN_PATH.test(value));
}

/** Parses a rate such as `100/1m`: a number of calls per time window. Undefined for any other text. */
export function parseRate(text: string): { readonly calls: number; readonly withinMs: number } | undefined {
  const [, calls, within = ''] = /^(\d{1,7})\s*\/\s*(.+)$/.exec(text.trim()) ?? [];
  const withinMs = parseDuration(/^[a-z]/.test(within) ? `1${within}` : within);
  const isValid = Number(calls) > 0 && withinMs !== undefined && withinMs >= 1 && withinMs <= MAX_WINDOW_MS;
  return isValid ? { calls: Number(calls), withinMs } : undefined;
}

/** Validates the rate of a limit. */
export function IsRate(): PropertyDecorator {
  const message = 'must be a number of calls per time window of at most one day, such as 100/1m or 5/s';
  return rule('isRate', message, TEXT, (value) => typeof value === 'string' && parseRate(value) !== undefined);
}

/** Validates the URL of a server. Credentials belong in headers, which are never logged. */
export function IsServerUrl(): PropertyDecorator {
  const message = 'must be an http or https URL without user name, password and fragment';
  return rule('isServerUrl', message, { ...TEXT, format: 'uri' }, (value) => {
    const url = typeof value === 'string' ? URL.parse(value) : null;
    return url !== null && /^https?:$/.test(url.protocol) && url.username + url.password + url.hash === '';
  });
}

/** Validates a mapping of header names to the values sent with every request. */
export function IsHeaders(): PropertyDecorator {
  const message =
    'must map header names to single-line strings; headers that the gateway sets itself (host, accept, content-*, mcp-*, …) are not allowed';
  return rule('isHeaders', message, MAPPING, (value) =>
    everyEntry(value, (name, text) => isSettableHeader(name) && isHeaderValue(text)),
  );
}

/** Validates a mapping of query parameter names to values. */
export function IsQuery(): PropertyDecorator {
  return rule('isQuery', 'must map query parameter names to strings', MAPPING, (value) =>
    everyEntry(value, (name) => name !== ''),
  );
}

/** Validates a path into a JSON response. */
export function IsJsonPath(): PropertyDecorator {
  const message = 'must be a JSONPath such as $.items (RFC 9535), without match() and search()';
  return rule('isJsonPath', message, TEXT, (value) => typeof value === 'string' && parseJsonPath(value) !== undefined);
}

/** Validates a mapping of environment variable names to values. */
export function IsEnvironment(): PropertyDecorator {
  return rule('isEnvironment', 'must map environment variable names to strings', MAPPING, (value) =>
    everyEntry(value, (name, text) => isVariableName(name) && !text.includes('\0')),
  );
}

/** Validates a list of arguments. Numbers and booleans of YAML are accepted as their text. */
export function IsArgumentList(): PropertyDecorator {
  const schema = { type: 'array', items: SCALAR } as const;
  return rule('isArgumentList', 'must be a list of strings', schema, (value) => {
    return Array.isArray(value) && value.every(isArgument);
  });
}

/** Validates a list of strings. */
export function IsTextList(): PropertyDecorator {
  const isText = (item: unknown) => typeof item === 'string';
  return rule('isTextList', 'must be a list of strings', TEXTS, (value) => Array.isArray(value) && value.every(isText));
}

/** Validates a list of origins (RFC 6454), or `*`. */
export function IsOrigins(): PropertyDecorator {
  const isOrigin = (item: unknown) => item === '*' || (typeof item === 'string' && URL.parse(item)?.origin === item);
  const message = 'must be a list of origins such as https://api.example.com, without a path, or *';
  return rule('isOrigins', message, TEXTS, (value) => Array.isArray(value) && value.every(isOrigin));
}

/** Validates the path of a REST tool, relative to the URL of its server. */
export function IsToolPath(): PropertyDecorator {
  const message =
    'must start with / and contain only path characters and parameters such as {id}; a query, a fragment and the segments . and .. are not allowed';
  return rule('isToolPath', message, { ...TEXT, pattern: '^/' }, (value) => {
    return typeof value === 'string' && TOOL_PATH.test(value) && !DOT_SEGMENT.test(value);
  });
}

/** Validates the URL of a tool that is not below the URL of its server. */
export function IsToolUrl(): PropertyDecorator {
  const message = 'must be an http or https URL without user name, password, query and fragment';
  return rule('isToolUrl', message, { ...TEXT, format: 'uri' }, (value) => {
    const url = typeof value === 'string' ? URL.parse(value) : null;
    return url !== null && /^https?:$/.test(url.protocol) && url.username + url.password + url.search + url.hash === '';
  });
}

const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+(?:[ \t]*;[ \t]*[\w.-]+=(?:[\w.+:/-]+|"[\w .+:;,=/-]*"))*$/;
const MEDIA_RANGE = /^(?:[\w.+-]+|\*)\/(?:[\w.+-]+|\*)(?:[ \t]*;[ \t]*[\w.-]+=(?:[\w.+:/-]+|"[\w .+:;,=/-]*"))*$/;

/** Validates a media type (RFC 9110, 8.3.1). */
export function IsMediaType(): PropertyDecorator {
  const message = 'must be a media type such as application/json';
  return rule('isMediaType', message, TEXT, (value) => typeof value === 'string' && MEDIA_TYPE.test(value));
}

/** Validates a list of media types that is sent as `Accept`. */
export function IsMediaRanges(): PropertyDecorator {
  const message = 'must be a list of media types such as text/csv, */*;q=0.8';
  return rule('isMediaRanges', message, TEXT, (value) => {
    return typeof value === 'string' && value.split(',').every((range) => MEDIA_RANGE.test(range.trim()));
  });
}

/** Validates the name of an argument or of a parameter of an API. */
export function IsParameterName(): PropertyDecorator {
  const message = 'must be a name of 1 to 200 characters without control characters';
  const isName = (value: unknown) =>
    typeof value === 'string' && /^\P{Cc}{1,200}$/u.test(value) && value.isWellFormed();
  return rule('isParameterName', message, TEXT, isName);
}

/** Whether an environment variable can have the name in every shell. */
export const isVariableName = (name: string): boolean => VARIABLE_NAME.test(name);

/** True for a header that a tool may set from an argument. */
export const isSettableHeader = (name: string): boolean => isToken(name) && !OWN_HEADERS.test(name);

/** Validates a schema for the arguments or the result of a tool (specification: server/tools, inputSchema). */
export function IsToolSchema(): PropertyDecorator {
  const message = 'must be a JSON schema whose type is object';
  const schema: Schema = { type: 'object', properties: { type: { enum: ['object'] } }, required: ['type'] };
  return rule('isToolSchema', message, schema, (value) => isJsonObject(value) && value['type'] === 'object');
}

const isArgument = (value: unknown): boolean => isScalar(value) && !String(value).includes('\0');

function everyEntry(value: unknown, isValid: (name: string, text: string) => boolean): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([name, item]: [string, unknown]) => isScalar(item) && isValid(name, String(item)),
  );
}
