/**
 * Tells errors of the gateway and errors of servers apart. A server's use of what only the gateway may say is moved to one
 * member, so that no client takes it for a statement of the gateway (docs/errors.md).
 */
import { RpcCode } from '../error-codes.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import type { RpcError } from '../json-rpc.js';
import { isRpcError } from '../read-message.js';

/** Prefix of the members that only the gateway writes. */
const NAMESPACE = 'isthmus/';
/** What a server said in the gateway's place. */
const MOVED = 'isthmus/server';
const SOURCE = 'isthmus/source';

/** Members of `data` by which clients recognize an error of the gateway. */
const isClaim = (member: string): boolean =>
  member === 'outcome' || member === 'retriable' || member.startsWith(NAMESPACE);

const isNamespaced = (member: string): boolean => member.startsWith(NAMESPACE);

/** The codes of the gateway, those of later versions included. */
const isGatewayCode = (code: number): boolean => code <= -31_000 && code > -31_100;

/** Marks an error of the gateway. Errors without an outcome stay unchanged: servers send such errors too. */
export function markGatewayError(error: RpcError): RpcError {
  const { data } = error;
  if (!isJsonObject(data) || data['outcome'] === undefined) return error;
  return { ...error, data: { ...data, [SOURCE]: 'gateway' } };
}

/** Copies code, message and data of a server's error. A code of the gateway becomes -32603. */
export function toServerError({ code, message, data }: RpcError): RpcError {
  const { kept, moved } = isJsonObject(data) ? split(data, isClaim) : { kept: undefined, moved: undefined };
  const isForged = isGatewayCode(code);
  if (!isForged && moved === undefined) return data === undefined ? { code, message } : { code, message, data };
  const other = kept === undefined ? data : moved;
  const claims: JsonObject = { ...(isForged && { code }), ...(other !== undefined && { data: other }) };
  return { code: isForged ? RpcCode.internalError : code, message, data: { ...kept, [MOVED]: claims } };
}

/**
 * Removes the gateway's members from `_meta` of a server's result or params, and from the errors and results of the tasks in
 * it. Returns the same object if there are none.
 */
export function toServerContent(content: JsonObject): JsonObject {
  const { _meta: meta, error, result, task, tasks } = content;
  const changed: JsonObject = {};
  if (isJsonObject(meta)) replace(changed, '_meta', meta, toServerMeta(meta));
  if (isRpcError(error)) replace(changed, 'error', error, toServerErrorIfForged(error));
  if (isJsonObject(result)) replace(changed, 'result', result, toServerContent(result));
  if (isJsonObject(task)) replace(changed, 'task', task, toServerContent(task));
  if (Array.isArray(tasks)) changed['tasks'] = tasks.map((each) => (isJsonObject(each) ? toServerContent(each) : each));
  return Object.keys(changed).length === 0 ? content : { ...content, ...changed };
}

function replace(changed: JsonObject, member: string, before: object, after: object): void {
  if (after !== before) changed[member] = after as JsonValue;
}

function toServerErrorIfForged(error: RpcError): RpcError {
  const { code, data } = error;
  return isGatewayCode(code) || (isJsonObject(data) && hasMember(data, isClaim)) ? toServerError(error) : error;
}

function toServerMeta(meta: JsonObject): JsonObject {
  const { kept, moved } = split(meta, isNamespaced);
  return moved === undefined ? meta : { ...kept, [MOVED]: moved };
}

function hasMember(holder: JsonObject, matches: (member: string) => boolean): boolean {
  for (const member in holder) if (matches(member)) return true;
  return false;
}

function split(holder: JsonObject, matches: (member: string) => boolean): { kept: JsonObject; moved?: JsonObject } {
  if (!hasMember(holder, matches)) return { kept: holder };
  const members = Object.entries(holder);
  return {
    kept: Object.fromEntries(members.filter(([member]) => !matches(member))),
    moved: Object.fromEntries(members.filter(([member]) => matches(member))),
  };
}
