import type { TextSpan } from '#lib/extension-kit';
import { endOf, matchAt } from './search.js';

const KIND = 'assigned-secret';

/** The last word of a name, what assigns a value to it, and an opening quote, which JSON within a text escapes. */
const ASSIGNMENT =
  /(?:key|token|secret|passw(?:or)?d|passphrase|pwd|credentials?)s?(?:\\?["'`\]]){0,2}[ \t]{0,8}(?::=|=>|=|:)[ \t]{0,8}(?:\\?(["'`]))?/gi;

const NAME = /[\w.-]/;
const MAX_NAME_LENGTH = 40;

/** Names of passwords, of which already a short value is one. */
const PASSWORD = /(?:passw(?:or)?d|passphrase|pwd)s?$/;
/** A word before `key` or `token` that makes it a secret, or something else such as the position in a list. */
const SECRET_KEY =
  /(?:api|access|account|app|auth|client|encryption|master|private|secret|service|shared|signing|storage)key$/;
const OTHER_TOKEN =
  /(?:page|next|previous|prev|continuation|sync|cursor|max|min|num|total|count|input|output|prompt|completion|csrf|xsrf)tokens?$/;

/** Returns whether a member of this name holds a credential, judged by its last words. */
export function namesSecret(name: string): boolean {
  const words = name.toLowerCase().replaceAll(/[^a-z\d]/g, '');
  if (words.endsWith('key')) return SECRET_KEY.test(words);
  if (words.endsWith('token')) return !OTHER_TOKEN.test(words);
  return /(?:secret|credentials?)$/.test(words) || PASSWORD.test(words);
}

const namesPassword = (name: string): boolean => PASSWORD.test(name.toLowerCase());

const MIN_PASSWORD_LENGTH = 8;
const MIN_SECRET_LENGTH = 16;
const MIN_BITS_PER_CHARACTER = 3;
/** The characters that are examined of a long value. */
const SAMPLE_LENGTH = 256;

/** Values that stand for a credential: references to variables, placeholders, stars. */
const PLACEHOLDER =
  /^(?:[$%<{[(]|process\.env|os\.environ|env\.|secrets?\.|vault:|\*+$|\.+$|x+$)|(?:your|example|placeholder|changeme|redacted|dummy)/i;

/** Returns whether a value that is assigned to a secret's name is random enough to be a credential. */
export function isSecretValue(value: string, name: string): boolean {
  const sample = value.slice(0, SAMPLE_LENGTH);
  if (PLACEHOLDER.test(sample) || !/[A-Za-z]/.test(sample)) return false;
  if (namesPassword(name)) return sample.length >= MIN_PASSWORD_LENGTH && /[\d!-/:-@^_~]/.test(sample);
  return sample.length >= MIN_SECRET_LENGTH && /\d/.test(sample) && bitsPerCharacter(sample) >= MIN_BITS_PER_CHARACTER;
}

/** Shannon's entropy of the characters of a text. */
function bitsPerCharacter(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - (count / text.length) * Math.log2(count / text.length), 0);
}

/** The beginning of a value without quotes: the next assignment is not part of it, so that no character is read twice. */
const BARE_START = /[^\s"'`<>,;:=(){}[\]|\\&]*/y;
const BARE_REST = /[^\s"'`<>,;|\\&]*/y;

/** Finds random values after a name of a secret, such as `API_KEY=…`, `"password": "…"`. Linear in the length of the text. */
export function* findAssignedSecrets(text: string): Generator<TextSpan | undefined> {
  const quotes = new ClosingQuotes(text);
  for (let match = matchAt(ASSIGNMENT, text, 0); match !== null;) {
    const start = match.index + match[0].length;
    const span = secretOf(match, text, quotes);
    yield span;
    match = matchAt(ASSIGNMENT, text, span?.end ?? start);
  }
}

function secretOf(match: RegExpExecArray, text: string, quotes: ClosingQuotes): TextSpan | undefined {
  const name = nameBefore(text, match.index) + /^[a-z]*/i.exec(match[0])?.[0];
  if (!namesSecret(name)) return undefined;
  const [start, quote] = [match.index + match[0].length, match[1]];
  const end = quote === undefined ? undefined : quotes.after(quote, start);
  const value = text.slice(start, end ?? endOf(BARE_START, text, start));
  if (!isSecretValue(withoutEscape(value), name)) return undefined;
  return { kind: KIND, start, end: end ?? endOf(BARE_REST, text, start) };
}

/** The beginning of a value, without the backslashes before a quote that ends it. */
function withoutEscape(value: string): string {
  let end = Math.min(value.length, SAMPLE_LENGTH);
  while (value.charAt(end - 1) === '\\') end -= 1;
  return value.slice(0, end);
}

/** The beginning of the name whose last word was found. */
function nameBefore(text: string, index: number): string {
  let start = index;
  while (start > 0 && index - start < MAX_NAME_LENGTH && NAME.test(text.charAt(start - 1))) start -= 1;
  return text.slice(start, index);
}

/** A quoted value of a line is at most this long. */
const MAX_QUOTED_LENGTH = 4_096;

class ClosingQuotes {
  /** Positions of the next quote of each kind that was found, so that no part of the text is searched twice. */
  private readonly next: Record<string, number> = {};

  constructor(private readonly text: string) {}

  /** The position of the next quote, if it closes a value of one line. */
  after(quote: string, start: number): number | undefined {
    let position = this.next[quote] ?? -1;
    if (position < start) {
      position = this.text.indexOf(quote, start);
      if (position < 0) position = Infinity;
      this.next[quote] = position;
    }
    if (position - start > MAX_QUOTED_LENGTH) return undefined;
    return this.text.slice(start, position).includes('\n') ? undefined : position;
  }
}

/** A value in a member of its own, whose name says that it is a secret. */
export function findMemberSecret(text: string, name: string | undefined): readonly TextSpan[] {
  const isSecret = name !== undefined && !/\s/.test(text) && namesSecret(name) && isSecretValue(text, name);
  return isSecret ? [{ kind: KIND, start: 0, end: text.length }] : [];
}
