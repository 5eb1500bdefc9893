import { isJsonObject, MESSAGE_BOUNDS, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { NotJson } from '../extensions/index.js';

/**
 * Copies an object that an extension made, so that the extension cannot change it any more. Members are read once, and `toJSON`
 * and `undefined` mean what they mean to `JSON.stringify`.
 * @throws NotJson for what JSON has no form for, and for an object beyond the bounds of a message
 */
export function copyJsonObject(value: unknown): JsonObject {
  const copied = new JsonCopy().copy(value, MESSAGE_BOUNDS.depth);
  if (!isJsonObject(copied)) throw new NotJson('is no JSON object');
  return copied;
}

class JsonCopy {
  private valuesLeft = MESSAGE_BOUNDS.values;

  copy(value: unknown, levelsLeft: number): JsonValue {
    if ((this.valuesLeft -= 1) < 0) throw new NotJson('has too many values');
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    if (typeof value !== 'object') throw new NotJson(`contains a ${typeof value} that JSON has no form for`);
    if (levelsLeft === 0) throw new NotJson('is nested too deeply, or refers to itself');
    if (Array.isArray(value)) return value.map((item: unknown) => this.copy(item ?? null, levelsLeft - 1));
    if (!isJsonObject(value)) return value as JsonValue;
    const { toJSON } = value as { readonly toJSON?: unknown };
    if (typeof toJSON === 'function') return this.copy(toJSON.call(value) as unknown, levelsLeft - 1);
    return this.copyMembers(value, levelsLeft);
  }

  private copyMembers(object: object, levelsLeft: number): JsonObject {
    const members: [string, JsonValue][] = [];
    for (const [name, member] of Object.entries(object) as [string, unknown][])
      if (member !== undefined) members.push([name, this.copy(member, levelsLeft - 1)]);
    return Object.fromEntries(members);
  }
}

/** Freezes a value with everything in it. What is frozen already was frozen as a whole. */
export function freezeDeeply<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  // Every result of an intercepted call passes here: for an array, `for … in` costs several times as much.
  if (Array.isArray(value)) for (const item of value) freezeDeeply<unknown>(item);
  else
    for (const name in value) {
      const member = value[name];
      if (typeof member === 'object') freezeDeeply(member);
    }
  return value;
}
