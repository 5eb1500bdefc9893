import { randomUUID } from 'node:crypto';
import { isJsonMediaType } from './media-types.js';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { FormField } from '../../../registry/index.js';
import { ArgumentFault } from './argument-fault.js';
import { toText } from './call-arguments.js';
import { toPairs, type Pair } from './value-styles.js';

type Fields = Readonly<Record<string, FormField>>;

const DEFAULT: FormField = {};
const fieldOf = (fields: Fields, name: string): FormField =>
  Object.hasOwn(fields, name) ? (fields[name] ?? DEFAULT) : DEFAULT;

/** Writes the members of an object as a form (WHATWG URL, application/x-www-form-urlencoded). */
export function toUrlEncodedForm(members: JsonObject, fields: Fields): string {
  const pairs = Object.entries(members).flatMap(([name, value = null]) =>
    toFormPairs(name, value, fieldOf(fields, name)),
  );
  return pairs.map((pair) => pair.join('=')).join('&');
}

/** An object whose style is not declared is written as JSON (OpenAPI 3.1, 4.8.15.1). */
function toFormPairs(name: string, value: JsonValue, field: FormField): readonly Pair[] {
  if (value === null) return [];
  const hasStyle = field.style !== undefined || field.explode !== undefined || field.allowReserved !== undefined;
  if (hasStyle) return toPairs(name, value, field);
  const isJson = isJsonObject(value) || (field.contentType !== undefined && isJsonMediaType(field.contentType));
  return toPairs(name, value, isJson ? { style: 'json' } : {});
}

/** A body with the media type that contains its boundary. */
export interface MultipartForm {
  readonly content: Buffer;
  readonly contentType: string;
}

interface Part {
  readonly content: Buffer;
  readonly contentType?: string;
  readonly filename?: string;
}

/** Writes the members of an object as a multipart form (RFC 7578). A list has one part for each item. */
export function toMultipartForm(members: JsonObject, fields: Fields): MultipartForm {
  const boundary = `isthmus-${randomUUID()}`;
  const chunks = Object.entries(members).flatMap(([name, value = null]) =>
    toParts(name, value, fieldOf(fields, name)).flatMap((part) => [
      Buffer.from(`--${boundary}\r\n${toPartHeaders(name, part)}\r\n\r\n`),
      part.content,
      Buffer.from('\r\n'),
    ]),
  );
  const content = Buffer.concat([...chunks, Buffer.from(`--${boundary}--\r\n`)]);
  return { content, contentType: `multipart/form-data; boundary=${boundary}` };
}

function toParts(name: string, value: JsonValue, field: FormField): readonly Part[] {
  if (value === null) return [];
  const { contentType } = field;
  const isJson = contentType !== undefined && isJsonMediaType(contentType);
  if (Array.isArray(value) && !isJson) return value.flatMap((item) => toParts(name, item, field));
  if (field.file) return [toFilePart(name, value, contentType)];
  if (!isJson && !isJsonObject(value)) {
    return [{ content: Buffer.from(toText(value)), ...(contentType !== undefined && { contentType }) }];
  }
  return [{ content: Buffer.from(JSON.stringify(value)), contentType: contentType ?? 'application/json' }];
}

/** The argument of a file is its content, or an object with the content and what a form says about a file. */
function toFilePart(name: string, value: JsonValue, contentType = 'application/octet-stream'): Part {
  const { data, filename, mimeType } = isJsonObject(value) ? value : { data: value };
  return {
    content: decodeBase64(name, data ?? null),
    filename: typeof filename === 'string' && filename !== '' ? filename : name,
    contentType: typeof mimeType === 'string' && MEDIA_TYPE.test(mimeType) ? mimeType : contentType,
  };
}

const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+(?:;[ \w.=+-]*)?$/;
const BASE64 = /^[\w+/-]*={0,2}$/;

/** Decodes base64 (RFC 4648, 4 and 5). @throws ArgumentFault, because part of a file must not be sent as the whole */
export function decodeBase64(name: string, value: JsonValue): Buffer {
  if (typeof value === 'string' && BASE64.test(value) && value.replace(/=+$/, '').length % 4 !== 1) {
    return Buffer.from(value, 'base64');
  }
  throw new ArgumentFault(`The argument ${name.toWellFormed()} must contain base64.`);
}

function toPartHeaders(name: string, { contentType, filename }: Part): string {
  const file = filename === undefined ? '' : `; filename="${escapeQuoted(filename)}"`;
  const type = contentType === undefined ? '' : `\r\nContent-Type: ${contentType}`;
  return `Content-Disposition: form-data; name="${escapeQuoted(name)}"${file}${type}`;
}

/** WHATWG HTML, multipart form data: a quote or a line break would end the name. */
const escapeQuoted = (text: string): string =>
  text.toWellFormed().replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
