import { isJsonObject, parseJson, type JsonObject } from '#lib/mcp-protocol';

/** What an extension made is no JSON. The message never repeats the value. */
export class NotJson extends Error {
  override readonly name = 'NotJson';

  /** @param reason continues a sentence about the value */
  constructor(readonly reason: string) {
    super(`What it returned ${reason}.`);
  }
}

/**
 * Copies an object that an extension made, so that it can be sent, and the extension cannot change it any more.
 * @throws NotJson for what JSON has no form for, and for an object beyond the bounds of a message
 */
export function toPlainJson(value: unknown): JsonObject {
  const copy = copyJson(value);
  if (!isJsonObject(copy)) throw new NotJson('is no JSON object');
  return copy;
}

function copyJson(value: unknown): unknown {
  try {
    return parseJson(JSON.stringify(value));
  } catch {
    throw new NotJson('has no form in JSON, or is too large');
  }
}
