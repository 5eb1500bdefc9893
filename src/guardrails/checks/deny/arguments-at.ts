import { isJsonObject, type JsonValue } from '#lib/extension-kit';

const ANY = '*';

/** Returns the texts of all values at a JSON pointer, in which the part `*` matches any member or item, and below. */
export function* textsAt(value: JsonValue | undefined, pointer: string): Generator<string> {
  const [, ...parts] = pointer.split('/');
  yield* descend(
    value,
    parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')),
  );
}

function* descend(value: JsonValue | undefined, [part, ...rest]: readonly string[]): Generator<string> {
  if (part === undefined) {
    yield* textsOf(value);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const members = Array.isArray(value) || isJsonObject(value) ? Object.entries(value) : [];
  for (const [name, member] of members) if (part === ANY || part === name) yield* descend(member, rest);
}

function* textsOf(value: JsonValue | undefined): Generator<string> {
  if (value === undefined || value === null || typeof value === 'boolean') return;
  if (typeof value === 'string') yield value;
  else if (Array.isArray(value)) for (const item of value) yield* textsOf(item);
  else if (isJsonObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      yield name;
      yield* textsOf(member);
    }
  } else yield JSON.stringify(value);
}
