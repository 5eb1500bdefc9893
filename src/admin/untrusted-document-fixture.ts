/** Documents in which every text tries to obtain a secret, and what the entry made of them refers to. */
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { expandVariables } from '../registry/testing.js';

const TEXTS = ['${secret:db}', '$%7Bsecret:db%7D', '${DB}', '${env:DB}', '$${secret:db}'];

/** Returns the document once per string in it and per attack, with the attack in place of the string, before and behind it. */
export function attacksOf(document: JsonObject): readonly JsonObject[] {
  return placesOf(document, []).flatMap((place) =>
    TEXTS.flatMap((text) =>
      [() => text, (own: string) => `${text}${own}`, (own: string) => `${own}${text}`].map(
        (change) => changeAt(document, place, change) as JsonObject,
      ),
    ),
  );
}

/** Returns the names of the secrets that an entry of the admin API obtains, and what is wrong with its references. */
export function findReferences(entry: JsonObject): readonly string[] {
  const found: string[] = [];
  const faults: { readonly path: string; readonly message: string }[] = [];
  const resolve = (name: string): { readonly value: string } => {
    found.push(name);
    return { value: 'hunter2' };
  };
  expandVariables(entry, { secrets: { depth: 0, resolve }, faults });
  return [...found, ...faults.map(({ path, message }) => `${path}: ${message}`)];
}

function placesOf(value: JsonValue, place: readonly string[]): readonly (readonly string[])[] {
  if (typeof value === 'string') return [place];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, each = null]: [string, JsonValue | undefined]) =>
    placesOf(each, [...place, name]),
  );
}

function changeAt(value: JsonValue, [step, ...rest]: readonly string[], change: (own: string) => string): JsonValue {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) {
    return value.map((each, index) => (String(index) === step ? changeAt(each, rest, change) : each));
  }
  if (!isJsonObject(value) || step === undefined) return value;
  return { ...value, [step]: changeAt(value[step] ?? null, rest, change) };
}
