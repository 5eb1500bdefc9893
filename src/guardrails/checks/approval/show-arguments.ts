import { isJsonObject, type JsonObject, type JsonValue } from '#lib/extension-kit';

const MAX_LENGTH = 2_000;
const MAX_TEXT_LENGTH = 200;
const MAX_MEMBERS = 30;
const MAX_DEPTH = 4;

/** Characters that are not shown, or that change how others are: they could make a person approve something else. */
const UNSHOWN = /[\uFE00-\uFE0F\u{E0100}-\u{E01EF}\p{C}\p{Zl}\p{Zp}\u115F\u1160\u3164\uFFA0]/gu;

/** A text on one line in which every character is visible. */
export function showText(text: string, maxLength = MAX_TEXT_LENGTH): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength).toWellFormed()}…` : text;
  return cut.replaceAll(UNSHOWN, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`);
}

/**
 * Arguments as JSON for a person: bounded in length, with every character visible. What is left out is said, so that nobody approves
 * arguments that seem complete.
 */
export function showArguments(args: JsonObject): string {
  const shown = JSON.stringify(bound(args, MAX_DEPTH), null, 2);
  if (shown.length <= MAX_LENGTH) return shown;
  return `${shown.slice(0, MAX_LENGTH).toWellFormed()}\n… (${shown.length - MAX_LENGTH} further characters are not shown)`;
}

function bound(value: JsonValue, depth: number): JsonValue {
  if (typeof value === 'string') return showString(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    if (depth === 0) return `(${value.length} items are not shown)`;
    const items = value.slice(0, MAX_MEMBERS).map((item) => bound(item, depth - 1));
    return value.length > MAX_MEMBERS
      ? [...items, `(${value.length - MAX_MEMBERS} further items are not shown)`]
      : items;
  }
  // A number that keeps its text.
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value);
  if (depth === 0) return `(${members.length} members are not shown)`;
  const shown = members
    .slice(0, MAX_MEMBERS)
    .map(([name, member]) => [showText(name), bound(member ?? null, depth - 1)] as const);
  const rest = members.length - MAX_MEMBERS;
  return Object.fromEntries(rest > 0 ? [...shown, ['…', `(${rest} further members are not shown)`]] : shown);
}

/** Line breaks and tabs stay: the JSON text escapes them. */
function showString(text: string): string {
  const shown = text.split(/([\n\t])/).map((part, index) => (index % 2 === 1 ? part : showText(part, text.length)));
  const whole = shown.join('');
  if (whole.length <= MAX_TEXT_LENGTH) return whole;
  return `${whole.slice(0, MAX_TEXT_LENGTH).toWellFormed()}… (${whole.length - MAX_TEXT_LENGTH} further characters are not shown)`;
}
