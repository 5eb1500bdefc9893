import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

/**
 * Characters that people do not see and models read: invisible characters, direction changes, tags. Joiners between visible
 * characters are allowed, because emoji and some scripts need them.
 */
const INVISIBLE_CHARACTER =
  /(?!\ufe0f|\u200d(?=\p{Extended_Pictographic})|\u200c(?=\p{L}))\p{Default_Ignorable_Code_Point}/u;
const CONTROL_CHARACTER = /(?![\t\n\r])\p{Cc}/u;

/** Text that addresses the model instead of describing the tool. All repetitions are bounded, so no text makes a match slow. */
const INSTRUCTION_PATTERNS: readonly (readonly [RegExp, string])[] = [
  [
    /\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|rules?|prompts?|guidelines)\b/is,
    'tells the model to ignore its instructions',
  ],
  [
    /\b(?:do not|don't|never|without)\b.{0,30}\b(?:tell|mention|inform|reveal|show|telling|informing|mentioning)\b.{0,40}\b(?:user|human|anyone|this)\b/is,
    'tells the model to hide something',
  ],
  [
    /<\/?\s*(?:important|system|instructions?|secret|hidden|admin)\b[^>]{0,40}>/i,
    'contains a tag that poses as an instruction',
  ],
  [
    /\b(?:before|after|prior to|instead of)\b.{0,30}\b(?:using|calling|invoking|running)\b.{0,40}\b(?:tools?|functions?)\b/is,
    'tells the model when to use other tools',
  ],
  [
    /\b(?:you must|always|make sure to)\b.{0,40}\b(?:call|use|invoke|read|send|pass|include)\b.{0,60}\b(?:file|key|token|password|secret|credential|conversation|history|\.ssh|\.env)/is,
    'tells the model to read or send secrets',
  ],
  [
    /(?:~\/|\/home\/|\/root\/|\/etc\/|\$HOME\/)[\w./-]{0,60}(?:\.ssh|\.env|id_rsa|id_ed25519|passwd|shadow|credentials|mcp\.json)/i,
    'names a file that holds secrets',
  ],
  [/\bsystem prompt\b/i, 'mentions the system prompt'],
];

/** Maximum scanned length of a definition; takes about 15 ms. */
const MAX_CHARACTERS = 64 * 1024;
const MAX_FINDINGS = 50;
const MAX_TEXTS = 5_000;

/** Description of what is stored of a definition that is too long. */
export const TOO_LONG = 'This definition is too long to be stored. Only its digest is known.';

/** Returns suspicious findings of a definition, one sentence each, as hints for a reviewer. */
export function findSuspicions(definition: JsonObject): readonly string[] {
  if (definition['description'] === TOO_LONG) return ['The definition is too long to be scanned.'];
  const found = new Set<string>();
  let remaining = MAX_CHARACTERS;
  for (const { path, text } of collectTexts(definition)) {
    remaining -= text.length;
    if (remaining < 0) return [...found, 'The definition is too long to be scanned completely.'].slice(-MAX_FINDINGS);
    const place = path === '' ? 'The definition' : path;
    if (INVISIBLE_CHARACTER.test(text)) found.add(`${place} contains invisible characters.`);
    if (CONTROL_CHARACTER.test(text)) found.add(`${place} contains control characters.`);
    for (const [pattern, what] of INSTRUCTION_PATTERNS) if (pattern.test(text)) found.add(`${place} ${what}.`);
  }
  return [...found].slice(0, MAX_FINDINGS);
}

interface LocatedText {
  readonly path: string;
  readonly text: string;
}

/** Collects all strings and member names, because models read the member names of schemas, too. */
function collectTexts(value: JsonValue): readonly LocatedText[] {
  const texts: LocatedText[] = [];
  const pending: { path: string; value: JsonValue | undefined }[] = [{ path: '', value }];
  for (let next = pending.pop(); next && texts.length < MAX_TEXTS; next = pending.pop()) {
    const { path, value: found } = next;
    if (typeof found === 'string') texts.push({ path, text: found });
    if (Array.isArray(found)) found.forEach((item, index) => pending.push({ path: `${path}[${index}]`, value: item }));
    if (!isJsonObject(found)) continue;
    for (const [name, member] of Object.entries(found)) {
      texts.push({ path, text: name });
      pending.push({ path: path === '' ? name : `${path}.${name}`, value: member });
    }
  }
  return texts;
}
