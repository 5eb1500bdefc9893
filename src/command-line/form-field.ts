import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { toTerminalLine } from './terminal-text.js';

/** A value that a form may contain (specification: Elicitation, "ElicitResult"). */
export type FieldValue = string | number | boolean | string[];

/** One of the values that a field accepts. */
interface Choice {
  readonly value: string;
  readonly title?: string;
}

/** A field of a form that a terminal can show (specification: Elicitation, "PrimitiveSchemaDefinition"). */
export interface FormField {
  /** Shown before the answer. */
  readonly prompt: string;
  /** What the field accepts, after the word "Expected". */
  readonly expectation: string;
  readonly isRequired: boolean;
  /** The value of an empty line. */
  readonly fallback?: FieldValue;
  /** Returns undefined for a line that the field does not accept. */
  read(line: string): FieldValue | undefined;
}

/** What a kind of field accepts, and how it reads a line. */
type Kind = Pick<FormField, 'expectation' | 'read'>;

/** Returns undefined for a kind of field that the specification does not name. */
export function toFormField(name: string, schema: JsonObject, isRequired: boolean): FormField | undefined {
  const kind = toKind(schema);
  if (kind === undefined) return undefined;
  const title = typeof schema['title'] === 'string' ? schema['title'] : name;
  const fallback = toFieldValue(schema['default']);
  const note = `${kind.expectation}${isRequired ? '' : ', optional'}`;
  const shownFallback = fallback === undefined ? '' : ` [${JSON.stringify(fallback)}]`;
  return {
    ...kind,
    prompt: toTerminalLine(`${title} (${note})${shownFallback}`),
    isRequired,
    ...(fallback !== undefined && { fallback }),
  };
}

function toKind(schema: JsonObject): Kind | undefined {
  switch (schema['type']) {
    case 'boolean':
      return { expectation: 'yes or no', read: readBoolean };
    case 'integer':
      return { expectation: 'an integer', read: (line) => readNumber(line, Number.isInteger) };
    case 'number':
      return { expectation: 'a number', read: (line) => readNumber(line, Number.isFinite) };
    case 'array':
      return toMultipleChoice(schema);
    case 'string':
      return toText(schema);
    default:
      return undefined;
  }
}

function toText(schema: JsonObject): Kind {
  const choices = choicesOf(schema);
  if (choices === undefined) return { expectation: 'a text', read: (line) => (line === '' ? undefined : line) };
  return { expectation: `one of ${describe(choices)}`, read: (line) => findChoice(choices, line) };
}

function toMultipleChoice({ items, minItems, maxItems }: JsonObject): Kind | undefined {
  const choices = isJsonObject(items) ? choicesOf(items) : undefined;
  if (choices === undefined) return undefined;
  const least = typeof minItems === 'number' ? minItems : 0;
  const most = typeof maxItems === 'number' ? maxItems : choices.length;
  const read = (line: string): string[] | undefined => {
    const values = toParts(line).map((part) => findChoice(choices, part));
    const chosen = [...new Set(values.filter((value) => value !== undefined))];
    return values.includes(undefined) || chosen.length < least || chosen.length > most ? undefined : chosen;
  };
  const count = least === 0 && most >= choices.length ? 'any' : `${least} to ${most}`;
  return { expectation: `${count} of ${describe(choices)}, separated by commas`, read };
}

const toParts = (line: string): readonly string[] => (line === '' ? [] : line.split(',').map((part) => part.trim()));

/** The choices of `enum`, with the titles of `enumNames`, or of `oneOf` and `anyOf`. Undefined without any. */
function choicesOf({ enum: values, enumNames, oneOf, anyOf }: JsonObject): readonly Choice[] | undefined {
  const titled = oneOf ?? anyOf;
  if (Array.isArray(titled))
    return titled.filter(isJsonObject).flatMap(({ const: value, title }) => toChoice(value, title));
  if (!Array.isArray(values)) return undefined;
  const titles = Array.isArray(enumNames) ? enumNames : [];
  return values.flatMap((value, index) => toChoice(value, titles[index]));
}

function toChoice(value: JsonValue | undefined, title: JsonValue | undefined): readonly Choice[] {
  if (typeof value !== 'string') return [];
  return [typeof title === 'string' && title !== value ? { value, title } : { value }];
}

const describe = (choices: readonly Choice[]): string =>
  toTerminalLine(choices.map(({ value, title }) => (title === undefined ? value : `${value} (${title})`)).join(', '));

/** Finds a choice by its value, or else by its title, as the terminal shows them. */
function findChoice(choices: readonly Choice[], line: string): string | undefined {
  const isShown = (text: string | undefined): boolean => text !== undefined && toTerminalLine(text).trim() === line;
  return (choices.find(({ value }) => isShown(value)) ?? choices.find(({ title }) => isShown(title)))?.value;
}

function readNumber(line: string, isValid: (value: number) => boolean): number | undefined {
  const number = line === '' ? Number.NaN : Number(line);
  return isValid(number) ? number : undefined;
}

function readBoolean(line: string): boolean | undefined {
  if (/^(y|yes|true)$/i.test(line)) return true;
  return /^(n|no|false)$/i.test(line) ? false : undefined;
}

function toFieldValue(value: JsonValue | undefined): FieldValue | undefined {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return Array.isArray(value) && value.every((each) => typeof each === 'string') ? [...value] : undefined;
}
