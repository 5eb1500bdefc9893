import { isJsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { ValueStyle } from '../../../registry/index.js';
import { toText } from './call-arguments.js';

/** A percent-encoded name and its value, as `name=value` of a query, a cookie or a form. */
export type Pair = readonly [name: string, value: string];

type Encode = (text: string) => string;

/** Only the unreserved characters of RFC 3986, 2.3, stay as they are. */
export const encodeStrictly: Encode = (text) =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** Reserved characters that neither end the value (`&`, `#`, `;`) nor stand for another character (`+`, `%`, `[`, `]`). */
const SENT_AS_THEY_ARE = /%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3D)/g;

const encodeLeavingReserved: Encode = (text) =>
  encodeStrictly(text).replaceAll(SENT_AS_THEY_ARE, (encoded) => decodeURIComponent(encoded));

/** Separates the items of a list in a style that does not explode it. */
const DELIMITERS: Readonly<Record<string, string>> = {
  spaceDelimited: '%20',
  pipeDelimited: '%7C',
  tabDelimited: '%09',
};

/** Writes a value as parts of a query, a cookie or a form (OpenAPI 3.1, 4.8.12.4). Null and empty lists have no parts. */
export function toPairs(name: string, value: JsonValue, given: ValueStyle): readonly Pair[] {
  const { style = 'form', explode = style === 'form', allowReserved = false } = given;
  const encode = allowReserved ? encodeLeavingReserved : encodeStrictly;
  const key = encodeStrictly(name);
  if (style === 'json') return [[key, encode(JSON.stringify(value))]];
  if (style === 'deepObject') return toDeepPairs(key, value, encode);
  if (Array.isArray(value)) {
    if (value.length === 0) return [];
    const items = value.map((item) => encode(toText(item)));
    return explode ? items.map((item) => [key, item]) : [[key, items.join(DELIMITERS[style] ?? ',')]];
  }
  if (!isJsonObject(value)) return value === null ? [] : [[key, encode(toText(value))]];
  const members = toMembers(value).map(([member, item]): Pair => [encodeStrictly(member), encode(toText(item))]);
  if (explode || members.length === 0) return members;
  return [[key, members.flat().join(DELIMITERS[style] ?? ',')]];
}

/** `key[member]=value`. OpenAPI defines no lists and no deeper members: they get further brackets. */
function toDeepPairs(key: string, value: JsonValue, encode: Encode): readonly Pair[] {
  if (value === null) return [];
  const members: readonly (readonly [string, JsonValue])[] | undefined = Array.isArray(value)
    ? value.map((item, index) => [String(index), item] as const)
    : isJsonObject(value)
      ? toMembers(value)
      : undefined;
  if (members === undefined) return [[key, encode(toText(value))]];
  return members.flatMap(([member, item]) => toDeepPairs(`${key}%5B${encodeStrictly(member)}%5D`, item, encode));
}

/** Writes a value as a part of a path (OpenAPI 3.1, 4.8.12.4; RFC 6570, 3.2). `name`: the name at the API. */
export function toPathPart(name: string, value: JsonValue, { style = 'simple', explode = false }: ValueStyle): string {
  if (style === 'json') return encodeStrictly(JSON.stringify(value));
  if (style === 'matrix') return toMatrix(name, value, explode);
  const prefix = style === 'label' ? '.' : '';
  return prefix + toList(value, explode, explode && style === 'label' ? '.' : ',', encodeStrictly);
}

function toMatrix(name: string, value: JsonValue, explode: boolean): string {
  const pairs = toPairs(name, value, { style: 'form', explode });
  return pairs.map(([key, text]) => (text === '' ? `;${key}` : `;${key}=${text}`)).join('');
}

/** Writes a value as that of a header. Header values are not percent-encoded. */
export function toHeaderText(value: JsonValue, { style = 'simple', explode = false }: ValueStyle): string {
  return style === 'json' ? JSON.stringify(value) : toList(value, explode, ',', (text) => text);
}

function toList(value: JsonValue, explode: boolean, delimiter: string, encode: Encode): string {
  if (Array.isArray(value)) return value.map((item) => encode(toText(item))).join(delimiter);
  if (!isJsonObject(value)) return encode(toText(value));
  const members = toMembers(value).map(([name, item]) => [encode(name), encode(toText(item))]);
  return members.map((member) => member.join(explode ? '=' : ',')).join(delimiter);
}

/** A member that is null counts as absent: these styles cannot express it. */
const toMembers = (value: object): [string, JsonValue][] =>
  Object.entries(value as Record<string, JsonValue | undefined>).flatMap(([name, item]): [string, JsonValue][] =>
    item === undefined || item === null ? [] : [[name, item]],
  );
