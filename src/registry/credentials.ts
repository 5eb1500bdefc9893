import { declaredEntryClasses, declaredOptionClasses, isSecretPath } from '#lib/extension-kit';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { commonMembers, isOwnKind } from './server-kinds.js';

/** Steps from an entry to a value in it. A value in the query of `url` has the steps `url`, name and number of its occurrence. */
export type MemberPath = readonly string[];

type ValueMap = (value: JsonValue, path: MemberPath) => JsonValue;

/** Members of an entry that hold nothing but credentials: of a server, and `value` of a secret. */
const WHOLE_MEMBERS: ReadonlySet<string> = new Set(['headers', 'env', 'args', 'value']);
/** Members of a REST tool that may hold credentials. */
const TOOL_MEMBERS: ReadonlySet<string> = new Set(['headers', 'query', 'body']);

const SCHEME = /^(?:(?:basic|bearer|digest|token|apikey) )?$/i;
const ARGUMENT = /^\{([a-z_][\w.-]*)\}$/i;

/** A reference to a named secret: `${secret:name}`. `$${` is not one. */
const SECRET_REFERENCE = /\$\$\{|\$\{secret:([^}]*)\}/g;

/**
 * True for a value of this entry at which the registry expects credentials. The database stores such values encrypted, and no
 * response contains them.
 */
export function isCredentialPath(source: JsonObject, path: MemberPath): boolean {
  const [member = '', , toolMember = ''] = path;
  if (isMarkedPath(source, path)) return true;
  return WHOLE_MEMBERS.has(member) || (member === 'tools' && TOOL_MEMBERS.has(toolMember));
}

/**
 * True for a value that the entry class of an extension, or the class of the options of a guardrail, marks as a credential. Without the
 * class every value may be one: the extension may come back, and until then nothing must show what it has hidden.
 */
function isMarkedPath({ transport, check }: JsonObject, path: MemberPath): boolean {
  const [member = '', ...inner] = path;
  if (isContributedKind(transport)) {
    const classes = declaredEntryClasses(transport);
    return classes.length === 0 ? !commonMembers().has(member) : classes.some((entry) => isSecretPath(entry, path));
  }
  if (member !== 'options') return false;
  const classes = typeof check === 'string' ? declaredOptionClasses(check) : [];
  return classes.length === 0 || classes.some((options) => isSecretPath(options, inner));
}

const isContributedKind = (transport: JsonValue | undefined): transport is string =>
  typeof transport === 'string' && !isOwnKind(transport);

/**
 * The members of an entry whose class decides which of them are credentials, and any of which may name a destination: of a kind of an
 * extension those that other servers do not have, with the kind; of a guardrail its options, with the check. A null value counts as
 * absent. Undefined for other entries.
 */
export function classifiedMembersOf(source: JsonObject): JsonObject | undefined {
  const { transport, check, options } = source;
  if (transport === undefined && typeof check === 'string') return { check, options: options ?? {} };
  if (!isContributedKind(transport)) return undefined;
  const common = commonMembers();
  const own = Object.entries(source).filter(([member, value]) => !common.has(member) && value !== null);
  return { transport, ...Object.fromEntries(own) };
}

/** Returns the top-level members that contain credentials, whole. */
export function selectCredentialMembers(source: JsonObject): readonly [string, JsonValue][] {
  return Object.entries(source).flatMap(([member, value = null]): [string, JsonValue][] =>
    containsCredentials(source, member, value) ? [[member, value]] : [],
  );
}

function containsCredentials(source: JsonObject, member: string, value: JsonValue): boolean {
  if (isEmpty(value)) return false;
  if (holdsMarkedValue(source, [member], value)) return true;
  if (member === 'url') return typeof value === 'string' && value.includes('?');
  if (member !== 'tools') return WHOLE_MEMBERS.has(member);
  if (!isJsonObject(value)) return false;
  return Object.values(value).some(
    (tool) => isJsonObject(tool) && Object.keys(tool).some((key) => TOOL_MEMBERS.has(key)),
  );
}

/** True for `{}`, `[]` and what contains nothing else. */
const isEmpty = (value: JsonValue): boolean =>
  typeof value === 'object' && value !== null && Object.values(value).every((each = null) => isEmpty(each));

function holdsMarkedValue(source: JsonObject, path: MemberPath, value: JsonValue): boolean {
  if (isMarkedPath(source, path)) return true;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, each = null]: [string, JsonValue | undefined]) =>
    holdsMarkedValue(source, [...path, name], each),
  );
}

/** Replaces every value of an entry that may be a credential; null stays. */
export const mapCredentials = (source: JsonObject, map: ValueMap): JsonObject =>
  mapValues(source, (value, path) =>
    isQueryPath(source, path) || isCredentialPath(source, path) ? map(value, path) : value,
  );

const hasQuery = (source: JsonObject): boolean =>
  typeof source['url'] === 'string' && source['url'].includes('?') && !isMarkedPath(source, ['url']);

const isQueryPath = ({ url }: JsonObject, path: MemberPath): boolean =>
  typeof url === 'string' && path.length === 3 && path[0] === 'url';

/** Replaces every value of an entry; null stays. Of a URL that is no credential as a whole, it replaces the values of the query. */
export function mapValues(source: JsonObject, map: ValueMap): JsonObject {
  const visit = (value: JsonValue, path: MemberPath): JsonValue => {
    if (path.length === 1 && path[0] === 'url' && typeof value === 'string' && hasQuery(source))
      return mapUrl(value, map);
    if (Array.isArray(value)) return value.map((each, index) => visit(each, [...path, String(index)]));
    if (isJsonObject(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([name, each = null]) => [name, visit(each, [...path, name])]),
      );
    }
    return value === null ? value : map(value, path);
  };
  return visit(source, []) as JsonObject;
}

/** Replaces the values of the query of a URL, and a whole parameter that has no name. Their encoding is left to `map`. */
function mapUrl(url: string, map: ValueMap): string {
  const start = url.indexOf('?');
  if (start < 0) return url;
  const end = url.indexOf('#', start) < 0 ? url.length : url.indexOf('#', start);
  const occurrences = new Map<string, number>();
  const parameters = url
    .slice(start + 1, end)
    .split('&')
    .map((parameter) => {
      const equals = parameter.indexOf('=');
      const name = parameter.slice(0, Math.max(0, equals));
      const value = parameter.slice(equals + 1);
      const count = occurrences.get(name) ?? 0;
      occurrences.set(name, count + 1);
      if (value === '') return parameter;
      const mapped = map(value, ['url', name, String(count)]);
      return `${parameter.slice(0, equals + 1)}${typeof mapped === 'string' ? mapped : ''}`;
    });
  return `${url.slice(0, start)}?${parameters.join('&')}${url.slice(end)}`;
}

/**
 * True for a value that reveals nothing: references to named secrets, if need be after the name of an authentication scheme, or
 * an argument that the tool declares.
 */
export function isHarmless(source: JsonObject, value: JsonValue, path: MemberPath): boolean {
  if (typeof value !== 'string') return false;
  const withoutSecrets = value.replaceAll(SECRET_REFERENCE, (text, name?: string) => (name === undefined ? text : ''));
  if (withoutSecrets !== value && SCHEME.test(withoutSecrets)) return true;
  const [, argument] = ARGUMENT.exec(value) ?? [];
  const [member, tool = ''] = path;
  return argument !== undefined && member === 'tools' && declaresArgument(source, tool, argument);
}

function declaresArgument({ tools }: JsonObject, name: string, argument: string): boolean {
  const tool = isJsonObject(tools) && Object.hasOwn(tools, name) ? tools[name] : undefined;
  const schema = isJsonObject(tool) ? tool['inputSchema'] : undefined;
  const properties = isJsonObject(schema) ? schema['properties'] : undefined;
  return isJsonObject(properties) && Object.hasOwn(properties, argument);
}

/** Returns the named secrets that an entry refers to. */
export function findSecretReferences(source: JsonObject): ReadonlySet<string> {
  const names = new Set<string>();
  mapCredentials(source, (value) => {
    if (typeof value !== 'string') return value;
    for (const [, name] of value.matchAll(SECRET_REFERENCE)) if (name !== undefined) names.add(name);
    return value;
  });
  return names;
}
