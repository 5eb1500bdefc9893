import { ValidateBy } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { DURATION_FORM, formatDuration, parseDuration } from '#lib/config';
import { isJsonObject } from '#lib/mcp-protocol';
import { parseJsonPath } from './json-path.js';

const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
// Latin-1 without control characters: what a header value can carry (RFC 9110, 5.5).
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const VARIABLE_NAME = /^[A-Za-z_]\w*$/;

/** Characters of a path (RFC 3986, 3.3) and parameters in braces; no query, no fragment. */
const TOOL_PATH = /^\/(?:[\w.~!$&'()*+,;=:@/-]|%[\da-f]{2}|\{[a-z_][\w.-]*\})*$/i;
/** Whoever reads the address would leave the folder that the operator meant. */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?=\/|$)/i;

/** The gateway writes these itself; a configured one would break the connection or the protocol. */
const OWN_HEADERS =
  /^(accept|accept-encoding|connection|content-.*|expect|host|keep-alive|last-event-id|mcp-.*|te|trailer|transfer-encoding|upgrade)$/i;

const LONGEST_WINDOW_MS = 86_400_000;

const SCALARS: ReadonlySet<string> = new Set(['string', 'number', 'boolean']);
const isScalar = (value: unknown): value is string | number | boolean => SCALARS.has(typeof value);

type Form = Exclude<Parameters<typeof JSONSchema>[0], (...args: never[]) => unknown>;

/** A rule that JSON Schema cannot say all of: in the OpenAPI document it has the form, and the sentence beside it. */
export function rule(
  name: string,
  message: Message,
  form: Form,
  isKept: (value: unknown) => boolean,
): PropertyDecorator {
  const defaultMessage = typeof message === 'string' ? () => message : message;
  const description = typeof message === 'string' ? message : undefined;
  const decorators = [
    ValidateBy({ name, validator: { validate: isKept, defaultMessage } }),
    // A function: what is read off the type of the member is of no use beside it.
    JSONSchema(() => ({ ...(description !== undefined && { description }), ...form })) as PropertyDecorator,
  ];
  return (target, member) => decorators.forEach((decorate) => decorate(target, member));
}

type Message = string | ((validated?: { readonly value?: unknown }) => string);

const TEXT = { type: 'string' } as const;
const TEXTS = { type: 'array', items: TEXT } as const;
const SCALAR = { type: ['string', 'number', 'boolean'] } as unknown as { readonly type: 'string' };
const MAPPING = { type: 'object', additionalProperties: SCALAR } as const;

/** A duration between two others, both in milliseconds. */
export function IsDurationBetween(leastMs: number, mostMs: number): PropertyDecorator {
  const message = `must be ${DURATION_FORM}, from ${formatDuration(leastMs)} to ${formatDuration(mostMs)}`;
  return rule('isDurationBetween', message, TEXT, (value) => {
    const duration = typeof value === 'string' ? parseDuration(value) : undefined;
    return duration !== undefined && duration >= leastMs && duration <= mostMs;
  });
}

/** `100/1m`: so many calls in so much time. Undefined when it is something else. */
export function parseRate(text: string): { readonly calls: number; readonly withinMs: number } | undefined {
  const [, calls, within = ''] = /^(\d{1,7})\s*\/\s*(.+)$/.exec(text.trim()) ?? [];
  const withinMs = parseDuration(/^[a-z]/.test(within) ? `1${within}` : within);
  const isGood = Number(calls) > 0 && withinMs !== undefined && withinMs >= 1 && withinMs <= LONGEST_WINDOW_MS;
  return isGood ? { calls: Number(calls), withinMs } : undefined;
}

/** How often something may be called. */
export function IsRate(): PropertyDecorator {
  const message = 'must be a number of calls and a time of at most a day, such as 100/1m or 5/s';
  return rule('isRate', message, TEXT, (value) => typeof value === 'string' && parseRate(value) !== undefined);
}

/** The address of a server. Credentials belong into headers, where nothing logs them. */
export function IsServerUrl(): PropertyDecorator {
  const message = 'must be an http or https URL without user name, password and fragment';
  return rule('isServerUrl', message, { ...TEXT, format: 'uri' }, (value) => {
    const url = typeof value === 'string' ? URL.parse(value) : null;
    return url !== null && /^https?:$/.test(url.protocol) && url.username + url.password + url.hash === '';
  });
}

/** A mapping of header names to values that may be sent with every request. */
export function IsHeaders(): PropertyDecorator {
  const message =
    'must map header names to one-line texts; headers that the gateway sets itself (host, accept, content-*, mcp-*, …) cannot be set';
  return rule('isHeaders', message, MAPPING, (value) =>
    everyEntry(value, (name, text) => HEADER_NAME.test(name) && !OWN_HEADERS.test(name) && HEADER_VALUE.test(text)),
  );
}

/** A mapping of names in a query to values. */
export function IsQuery(): PropertyDecorator {
  return rule('isQuery', 'must map names of the query to texts', MAPPING, (value) =>
    everyEntry(value, (name) => name !== ''),
  );
}

/** A path into a JSON answer. */
export function IsJsonPath(): PropertyDecorator {
  const message = 'must be a JSONPath such as $.items (RFC 9535), without match() and search()';
  return rule('isJsonPath', message, TEXT, (value) => typeof value === 'string' && parseJsonPath(value) !== undefined);
}

/** A mapping of variable names to values. */
export function IsEnvironment(): PropertyDecorator {
  return rule('isEnvironment', 'must map names of environment variables to texts', MAPPING, (value) =>
    everyEntry(value, (name, text) => VARIABLE_NAME.test(name) && !text.includes('\0')),
  );
}

/** A list of arguments; YAML numbers and booleans count as what they look like. */
export function IsArgumentList(): PropertyDecorator {
  const form = { type: 'array', items: SCALAR } as const;
  return rule('isArgumentList', 'must be a list of texts', form, (value) => {
    return Array.isArray(value) && value.every(isArgument);
  });
}

/** A list of texts. */
export function IsTextList(): PropertyDecorator {
  const isText = (item: unknown) => typeof item === 'string';
  return rule('isTextList', 'must be a list of texts', TEXTS, (value) => Array.isArray(value) && value.every(isText));
}

/** The path of a REST tool, below the address of its server. */
export function IsToolPath(): PropertyDecorator {
  const message =
    'must start with / and hold characters of a path and parameters such as {id} only, without a query, a fragment and . or .. as segments';
  return rule('isToolPath', message, { ...TEXT, pattern: '^/' }, (value) => {
    return typeof value === 'string' && TOOL_PATH.test(value) && !DOT_SEGMENT.test(value);
  });
}

/** What the arguments of a tool may be (specification: server/tools, inputSchema). */
export function IsToolSchema(): PropertyDecorator {
  const message = 'must be a JSON schema whose type is object';
  const form: Form = { type: 'object', properties: { type: { enum: ['object'] } }, required: ['type'] };
  return rule('isToolSchema', message, form, (value) => isJsonObject(value) && value['type'] === 'object');
}

const isArgument = (value: unknown): boolean => isScalar(value) && !String(value).includes('\0');

function everyEntry(value: unknown, isGood: (name: string, text: string) => boolean): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([name, item]: [string, unknown]) => isScalar(item) && isGood(name, String(item)));
}
