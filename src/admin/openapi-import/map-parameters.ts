import { isJsonObject, isToken, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { isSettableHeader, STYLES_OF_PLACE, type ParameterPlace, type ParameterStyle } from '../../registry/index.js';
import { asText } from './as-text.js';
import { findMedia, isJsonType } from './media.js';
import { ImportFault } from './reference-resolver.js';
import type { SecurityScheme } from './security-schemes.js';
import { declareArgument, type ToolDraft } from './tool-draft.js';

/** Headers that the configuration of the server sets (OpenAPI 3.1, 4.8.12.2, ignores the first three as parameters). */
const CONFIGURED_HEADERS = /^(accept|content-type|authorization|cookie)$/i;

const PLACES: ReadonlySet<string> = new Set(['path', 'query', 'header', 'cookie']);

/** Maps the parameters of an operation to arguments. @throws ImportFault */
export function mapParameters(
  draft: ToolDraft,
  parameters: readonly JsonObject[],
  path: string,
  schemes: readonly SecurityScheme[],
): void {
  const inPath = parameters.filter(({ in: place }) => place === 'path');
  const others = parameters.filter(({ in: place }) => place !== 'path');
  mapPath(draft, inPath, path);
  for (const parameter of others) {
    const { name, in: place } = parameter;
    if (typeof name !== 'string' || name === '') throw new ImportFault('one of its parameters has no name');
    const reason = whyConfigured(asText(place), name, schemes);
    if (reason === undefined) mapParameter(draft, parameter, name);
    else draft.skipped.push({ part: `${asText(place)} ${name}`, reason });
  }
}

/** Returns why a parameter is no argument. */
function whyConfigured(place: string, name: string, schemes: readonly SecurityScheme[]): string | undefined {
  const scheme = schemes.find((each) => each.in === place && each.parameter?.toLowerCase() === name.toLowerCase());
  if (scheme !== undefined) return `it is the credential of the security scheme ${scheme.name}: configure it`;
  if (place !== 'header' || (isSettableHeader(name) && !CONFIGURED_HEADERS.test(name))) return undefined;
  return /^(authorization|cookie)$/i.test(name)
    ? 'it is a credential: configure it in headers of the entry'
    : 'the gateway sets this header itself';
}

/** Replaces the placeholders of the path by names of arguments. A placeholder without a parameter is an argument too. */
function mapPath(draft: ToolDraft, parameters: readonly JsonObject[], template: string): void {
  const byName = new Map(parameters.map((parameter) => [asText(parameter['name']), parameter]));
  const argumentsByName = new Map<string, string>();
  const [withoutFragment = ''] = template.split('#', 1);
  const [path = '', query] = withoutFragment.split(/\?(.*)/s, 2);
  const written = path.replaceAll(/\{([^{}]+)\}|([^{}]+|[{}])/g, (_whole, name?: string, text: string = '') => {
    if (name === undefined) return encodePath(text);
    const known = argumentsByName.get(name);
    const parameter = byName.get(name) ?? { name, in: 'path', schema: { type: 'string' } };
    const argument = known ?? mapParameter(draft, { ...parameter, required: true }, name);
    argumentsByName.set(name, argument);
    return `{${argument}}`;
  });
  if (/\/(?:\.|%2e){1,2}(?=\/|$)/i.test(written)) throw new ImportFault('its path has the segment . or ..');
  draft.members['path'] = written.startsWith('/') ? written : `/${written}`;
  if (query !== undefined && query !== '') draft.members['query'] = readQuery(query);
  for (const name of byName.keys()) {
    if (!argumentsByName.has(name)) {
      draft.skipped.push({ part: `path ${name}`, reason: 'the path does not contain it' });
    }
  }
}

const encodePath = (text: string): string =>
  text.toWellFormed().replaceAll(/%(?![\da-f]{2})|[^\w.~!$&'()*+,;=:@/%-]/giu, (part) => encodeURIComponent(part));

function readQuery(query: string): JsonObject {
  if (query.includes('{')) throw new ImportFault('the query of its path contains parameters');
  const pairs = [...new URLSearchParams(query)];
  if (new Set(pairs.map(([name]) => name)).size < pairs.length) {
    throw new ImportFault('the query of its path repeats a name');
  }
  return Object.fromEntries(pairs);
}

/** Maps a parameter to an argument, whose name it returns. */
function mapParameter(draft: ToolDraft, parameter: JsonObject, name: string): string {
  const { in: place, required, description, deprecated } = parameter;
  if (typeof place !== 'string' || !PLACES.has(place)) {
    throw new ImportFault(`its parameter ${name.slice(0, 60)} is at an unknown place (${asText(place).slice(0, 20)})`);
  }
  if (place === 'cookie') requireCookieName(name);
  const { schema, style } = readSchema(parameter, draft);
  const converted = draft.converter.convert(withExample(schema, parameter));
  const argument = draft.names.take(name, place);
  const annotations = {
    ...(typeof description === 'string' && description !== '' && { description }),
    ...(deprecated === true && { deprecated }),
  };
  declareArgument(draft, argument, name, isJsonObject(converted) ? { ...annotations, ...converted } : converted);
  if (required === true) draft.required.push(argument);
  const entry = toEntry(parameter, place as ParameterPlace, style, name);
  if (!isPlainPathPart(entry, converted, argument === name)) {
    draft.parameters[argument] = { ...entry, ...(argument !== name && { name }) };
  }
  if (place === 'cookie') {
    const reason = `no cookies are kept between calls: it is sent only as the argument ${argument}`;
    draft.skipped.push({ part: `cookie ${name}`, reason });
  }
  return argument;
}

function requireCookieName(name: string): void {
  if (!isToken(name)) throw new ImportFault(`no cookie can have the name ${name.slice(0, 60)}`);
}

function readSchema(parameter: JsonObject, draft: ToolDraft): { schema: JsonValue; style?: ParameterStyle } {
  const { schema, content } = parameter;
  if (schema !== undefined || !isJsonObject(content)) return { schema: schema ?? {} };
  const media = findMedia(content, draft.source.references);
  if (media === undefined) return { schema: {} };
  return { schema: media.schema, ...(isJsonType(media.type) && { style: 'json' as const }) };
}

function withExample(schema: JsonValue, { example }: JsonObject): JsonValue {
  const hasOwn = isJsonObject(schema) && (schema['example'] !== undefined || schema['$ref'] !== undefined);
  return example === undefined || !isJsonObject(schema) || hasOwn ? schema : { ...schema, example };
}

function toEntry(
  parameter: JsonObject,
  place: ParameterPlace,
  json: ParameterStyle | undefined,
  name: string,
): JsonObject {
  const { style: given, explode, allowReserved } = parameter;
  const styles = STYLES_OF_PLACE[place];
  const style = json ?? given;
  if (style !== undefined && !styles.includes(style as ParameterStyle)) {
    const shown = asText(style).slice(0, 40);
    throw new ImportFault(
      `its parameter ${name.slice(0, 60)} has the style ${shown}, which a ${place} parameter cannot have`,
    );
  }
  const isDefault = style === undefined || style === styles[0];
  return {
    in: place,
    ...(!isDefault && { style }),
    ...(typeof explode === 'boolean' && explode !== ((style ?? styles[0]) === 'form') && { explode }),
    ...(place === 'query' && allowReserved === true && { allowReserved }),
  };
}

const SCALARS: ReadonlySet<JsonValue | undefined> = new Set(['string', 'integer', 'number', 'boolean']);

/** A single value in the path needs no entry. */
const isPlainPathPart = (entry: JsonObject, schema: JsonValue, hasSameName: boolean): boolean =>
  entry['in'] === 'path' &&
  Object.keys(entry).length === 1 &&
  hasSameName &&
  isJsonObject(schema) &&
  SCALARS.has(schema['type']);
