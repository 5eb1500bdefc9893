import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { METHODS_WITH_BODY } from '../../registry/index.js';
import { isArgumentName } from './argument-names.js';
import { toFlatObject, type FlatObject } from './flat-object.js';
import {
  findMedia,
  isJsonType,
  isMultipart,
  isMultipartForm,
  isText,
  isUrlEncoded,
  isWildcard,
  type Media,
} from './media.js';
import { ImportFault } from './reference-resolver.js';
import { declareArgument, type ToolDraft } from './tool-draft.js';

const BASE64: JsonObject = { type: 'string', contentEncoding: 'base64' };

/** An argument for a file: its content, or its content with a name and a media type. */
const FILE: JsonObject = {
  anyOf: [
    BASE64,
    {
      type: 'object',
      properties: { data: BASE64, filename: { type: 'string' }, mimeType: { type: 'string' } },
      required: ['data'],
    },
  ],
};

/** Maps the body of an operation to arguments. @throws ImportFault */
export function mapBody(draft: ToolDraft, verb: string, operation: JsonObject): void {
  const body = draft.source.references.dereference(operation['requestBody']);
  const media = body && findMedia(body['content'], draft.source.references);
  if (body === undefined || media === undefined) {
    // Without it the gateway would send an empty object.
    if (METHODS_WITH_BODY.has(verb)) draft.members['requestBody'] = {};
    return;
  }
  const required = body['required'] === true;
  if (verb === 'HEAD') {
    if (required) throw new ImportFault('a HEAD request cannot have a body');
    draft.skipped.push({ part: 'body', reason: 'a HEAD request cannot have a body' });
    return;
  }
  const { description } = body;
  mapMedia(draft, media, required, typeof description === 'string' ? description : undefined);
}

function mapMedia(draft: ToolDraft, media: Media, required: boolean, description: string | undefined): void {
  const { type, schema } = media;
  if (isMultipart(type) && !isMultipartForm(type)) throw new ImportFault(`its body is ${type}, which is not supported`);
  const isForm = isUrlEncoded(type) || isMultipartForm(type);
  const isBinary = isBinarySchema(draft, schema);
  if (isForm || isJsonType(type) || (isWildcard(type) && !isBinary)) {
    const flat = toFlatObject(schema, draft.source.references);
    // A JSON body whose members have other names keeps them, as one argument.
    const isNamed = isForm || [...(flat?.members.keys() ?? [])].every(isArgumentName);
    if (flat && isNamed) mapMembers(draft, media, flat, required);
    else if (isForm && isMultipartForm(type)) throw new ImportFault('the fields of its multipart body are not listed');
    else mapWhole(draft, media, required, { schema: draft.converter.convert(schema), description });
    return;
  }
  if (isText(type) && !isBinary) {
    const text = { type: 'string', contentMediaType: type };
    if (toFlatObject(schema, draft.source.references)) {
      draft.skipped.push({
        part: 'body',
        reason: `its members are not arguments, because it is ${type} and sent as text`,
      });
    }
    mapWhole(draft, media, required, { schema: text, description });
    return;
  }
  mapWhole(draft, media, required, { schema: BASE64, description, isBase64: true });
}

function isBinarySchema(draft: ToolDraft, schema: JsonValue): boolean {
  const resolved = draft.source.references.dereference(schema);
  return resolved?.['format'] === 'binary' && resolved['type'] === 'string';
}

interface WholeBody {
  readonly schema: JsonValue;
  readonly description: string | undefined;
  readonly isBase64?: boolean;
}

/** Makes the whole body one argument. */
function mapWhole(draft: ToolDraft, media: Media, required: boolean, whole: WholeBody): void {
  const { schema, description, isBase64 = false } = whole;
  const argument = draft.names.take('body', 'body');
  const annotated = isJsonObject(schema) && description !== undefined ? { description, ...schema } : schema;
  draft.properties[argument] = annotated;
  if (required) draft.required.push(argument);
  draft.members['requestBody'] = { ...toContentType(media, isBase64), argument, ...(isBase64 && { base64: true }) };
}

/** Makes each member of the body an argument. */
function mapMembers(draft: ToolDraft, media: Media, flat: FlatObject, required: boolean): void {
  const { converter } = draft;
  const isForm = isUrlEncoded(media.type) || isMultipartForm(media.type);
  const fields: [string, JsonObject][] = [];
  const names = new Map<string, string>();
  for (const [name, schema] of flat.members) {
    if (converter.isHidden(schema)) continue;
    const argument = draft.names.take(name, 'body');
    names.set(name, argument);
    if (argument !== name) draft.parameters[argument] = { in: 'body', name };
    const field = isForm ? toField(draft, media, name, schema) : undefined;
    if (field !== undefined) fields.push([name, field]);
    declareArgument(draft, argument, name, toMemberSchema(draft, schema, field));
  }
  requireMembers(draft, flat, names, required);
  if (flat.additional !== undefined) {
    draft.rules['additionalProperties'] =
      typeof flat.additional === 'boolean' ? flat.additional : converter.convert(flat.additional, 1);
  }
  draft.members['requestBody'] = {
    ...toContentType(media, false),
    ...(required && { required }),
    ...(fields.length > 0 && { fields: Object.fromEntries(fields) }),
  };
}

/** Members of an optional body are required only together. */
function requireMembers(
  draft: ToolDraft,
  flat: FlatObject,
  names: ReadonlyMap<string, string>,
  required: boolean,
): void {
  const needed = [...flat.required].flatMap((name) => names.get(name) ?? []);
  if (required) draft.required.push(...needed);
  else if (needed.length > 0) {
    const dependent = [...names.values()].map((each) => [each, needed.filter((other) => other !== each)] as const);
    const rules = dependent.filter(([, others]) => others.length > 0);
    if (rules.length > 0) draft.rules['dependentRequired'] = Object.fromEntries(rules);
  }
}

function toMemberSchema(draft: ToolDraft, schema: JsonValue, field: JsonObject | undefined): JsonValue {
  if (field?.['file'] !== true) return draft.converter.convert(schema);
  const { description, type } = draft.source.references.dereference(schema) ?? {};
  const file = type === 'array' ? { type: 'array', items: FILE } : FILE;
  return { ...(typeof description === 'string' && { description }), ...file };
}

/** Returns how a member of a form is sent, if not in the usual way. */
function toField(draft: ToolDraft, media: Media, name: string, schema: JsonValue): JsonObject | undefined {
  const { references } = draft.source;
  const given = Object.hasOwn(media.encoding, name) ? references.dereference(media.encoding[name]) : undefined;
  const { contentType, style, explode, allowReserved } = given ?? {};
  const resolved = references.dereference(schema) ?? {};
  const item = resolved['type'] === 'array' ? (references.dereference(resolved['items']) ?? {}) : resolved;
  const isFile = isMultipartForm(media.type) && isFileSchema(item);
  const [firstType = ''] = typeof contentType === 'string' ? contentType.split(',') : [];
  const field = {
    ...(isFile && { file: true }),
    ...(/^[\w.+-]+\/[\w.+-]+$/.test(firstType.trim()) && { contentType: firstType.trim() }),
    ...(typeof style === 'string' && FORM_STYLES.has(style) && { style }),
    ...(typeof explode === 'boolean' && { explode }),
    ...(allowReserved === true && { allowReserved }),
  };
  return Object.keys(field).length === 0 ? undefined : field;
}

const FORM_STYLES: ReadonlySet<string> = new Set([
  'form',
  'spaceDelimited',
  'pipeDelimited',
  'tabDelimited',
  'deepObject',
]);

/** OpenAPI 3.0 marks a file by its format, OpenAPI 3.1 by its media type without an encoding. */
const isFileSchema = ({ type, format, contentMediaType, contentEncoding }: JsonObject): boolean =>
  (type === 'string' && format === 'binary') ||
  (typeof contentMediaType === 'string' && contentEncoding === undefined && type !== 'object');

function toContentType({ type }: Media, isBase64: boolean): JsonObject {
  if (isWildcard(type)) return isBase64 ? { contentType: 'application/octet-stream' } : {};
  if (/^[\w.+-]+\/\*$/.test(type)) return { contentType: 'application/octet-stream' };
  return type === 'application/json' ? {} : { contentType: type };
}
