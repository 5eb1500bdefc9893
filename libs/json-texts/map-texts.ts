import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { TextWork } from './text-work.js';

/** Converts the texts of a value. */
export interface TextMapping {
  /**
   * Returns what replaces a text, or the same text.
   *
   * @param name the nearest member that contains the text; undefined for the name of a member, which is converted like a text
   */
  text(text: string, name: string | undefined): TextWork<string>;
  /** Returns what replaces a number, or undefined. `digits`: the number as JSON text. Default: numbers stay. */
  number?(digits: string): number | undefined;
}

/**
 * Converts every text of a value: strings at any depth, names of members, and texts in UTF-8 that a `blob` of a resource, or the `data`
 * of an image or audio, holds in base64. Long binary content stays as it is. Names that become equal are numbered. Results in the same value if nothing changes. `doTextWork` does the work.
 */
export function* mapTexts<T extends JsonValue>(value: T, mapping: TextMapping): TextWork<T> {
  const { texts, numbers } = readValue(value, mapping);
  const converted: string[] = [];
  for (const { text, name } of texts) converted.push(yield* mapping.text(text, name));
  const isSame =
    numbers.every((number) => number === undefined) && texts.every(({ text }, at) => text === converted[at]);
  if (isSame) return value;
  const [nextText, nextNumber] = [converted.values(), numbers.values()];
  return new TreeMapper({
    text: (text) => nextText.next().value ?? text,
    number: () => nextNumber.next().value,
  }).map(value, undefined) as T;
}

interface ReadText {
  readonly text: string;
  readonly name: string | undefined;
}

/** The texts of a value and what replaces its numbers, in the order in which a `TreeMapper` comes to them. */
function readValue(
  value: JsonValue,
  mapping: TextMapping,
): { readonly texts: readonly ReadText[]; readonly numbers: readonly (number | undefined)[] } {
  const texts: ReadText[] = [];
  const numbers: (number | undefined)[] = [];
  new TreeMapper({
    text: (text, name) => {
      texts.push({ text, name });
      return text;
    },
    number: (digits) => {
      numbers.push(mapping.number?.(digits));
      return undefined;
    },
  }).map(value, undefined);
  return { texts, numbers };
}

/** Converts one text or number at once. */
interface Conversion {
  text(text: string, name: string | undefined): string;
  number(digits: string): number | undefined;
}

/** Converts a value without interruption: it only takes values apart and puts them together. */
class TreeMapper {
  constructor(private readonly conversion: Conversion) {}

  map(value: JsonValue, name: string | undefined): JsonValue {
    if (typeof value === 'string') return this.conversion.text(value, name);
    if (typeof value === 'number') return this.conversion.number(String(value)) ?? value;
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return this.mapItems(value, name);
    if (isJsonObject(value)) return this.mapMembers(value);
    // A number that keeps its text.
    return this.conversion.number(JSON.stringify(value)) ?? value;
  }

  private mapItems(items: JsonValue[], name: string | undefined): JsonValue[] {
    const mapped = items.map((item) => this.map(item, name));
    return mapped.every((item, index) => item === items[index]) ? items : mapped;
  }

  private mapMembers(value: JsonObject): JsonObject {
    let changed = false;
    const names = new Set<string>();
    const entries = Object.entries(value).map(([name, member]): [string, JsonValue | undefined] => {
      const newName = toUnusedName(this.conversion.text(name, undefined), names);
      names.add(newName);
      const mapped = member === undefined ? member : this.mapMember(name, member, isBinary(name, value));
      changed ||= newName !== name || mapped !== member;
      return [newName, mapped];
    });
    return changed ? Object.fromEntries(entries) : value;
  }

  private mapMember(name: string, member: JsonValue, holdsBase64: boolean): JsonValue {
    if (!holdsBase64 || typeof member !== 'string' || !isBase64(member)) return this.map(member, name);
    const text = decodeText(member);
    // Base64 contains by chance what a search looks for, and an image is larger than a text may be.
    if (text === undefined) return member.length > MAX_READ_BASE64 ? member : this.map(member, name);
    const mapped = this.conversion.text(text, name);
    return mapped === text ? member : Buffer.from(mapped).toString('base64');
  }
}

/** Whether the specification has binary content in this member (schema: BlobResourceContents, ImageContent, AudioContent). */
const isBinary = (name: string, { type }: JsonObject): boolean =>
  name === 'blob' || (name === 'data' && (type === 'image' || type === 'audio'));

function toUnusedName(name: string, used: ReadonlySet<string>): string {
  if (!used.has(name)) return name;
  // The search begins at the number of names, so that many equal names take linear time.
  let number = used.size + 1;
  while (used.has(`${name} (${number})`)) number += 1;
  return `${name} (${number})`;
}

/** A short text may be plain text in the wrong member; in characters. */
const MAX_READ_BASE64 = 4_096;
const FOREIGN_TO_BASE64 = /[^A-Za-z\d+/_-]/;

/** Searches for one foreign character: an expression for the whole text exhausts the stack on a large image. */
function isBase64(text: string): boolean {
  const digits = text.replace(/={1,2}$/, '');
  return digits !== '' && !FOREIGN_TO_BASE64.test(digits);
}
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text in base64, or undefined if it is no text in UTF-8. */
function decodeText(base64: string): string | undefined {
  try {
    return UTF8.decode(Buffer.from(base64, 'base64'));
  } catch {
    return undefined;
  }
}
