import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

/**
 * What nobody sees and a model reads: invisible characters, changes of direction, tags. Emoji and some scripts are joined by
 * such characters, between two that are seen.
 */
const INVISIBLE_CHARACTER =
  /(?!\ufe0f|\u200d(?=\p{Extended_Pictographic})|\u200c(?=\p{L}))\p{Default_Ignorable_Code_Point}/u;
const CONTROL_CHARACTER = /(?![\t\n\r])\p{Cc}/u;

/** Words that are meant for a model, and not for people who choose a tool. Each is bounded: no text makes them slow. */
const INSTRUCTION_PATTERNS: readonly (readonly [RegExp, string])[] = [
  [
    /\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|rules?|prompts?|guidelines)\b/is,
    'tells the model to ignore what it was told',
  ],
  [
    /\b(?:do not|don't|never|without)\b.{0,30}\b(?:tell|mention|inform|reveal|show|telling|informing|mentioning)\b.{0,40}\b(?:user|human|anyone|this)\b/is,
    'tells the model to hide something',
  ],
  [
    /<\/?\s*(?:important|system|instructions?|secret|hidden|admin)\b[^>]{0,40}>/i,
    'holds a tag that poses as an instruction',
  ],
  [
    /\b(?:before|after|prior to|instead of)\b.{0,30}\b(?:using|calling|invoking|running)\b.{0,40}\b(?:tools?|functions?)\b/is,
    'tells the model when to use other tools',
  ],
  [
    /\b(?:you must|always|make sure to)\b.{0,40}\b(?:call|use|invoke|read|send|pass|include)\b.{0,60}\b(?:file|key|token|password|secret|credential|conversation|history|\.ssh|\.env)/is,
    'tells the model to fetch or pass on what is secret',
  ],
  [
    /(?:~\/|\/home\/|\/root\/|\/etc\/|\$HOME\/)[\w./-]{0,60}(?:\.ssh|\.env|id_rsa|id_ed25519|passwd|shadow|credentials|mcp\.json)/i,
    'names a file of secrets',
  ],
  [/\bsystem prompt\b/i, 'speaks of the system prompt'],
];

/** Of a definition: some 15 ms of work. */
const MAX_CHARACTERS = 64 * 1024;
const MAX_FINDINGS = 50;
const MAX_TEXTS = 5_000;

/** What is suspicious about a definition, a sentence each. It proves nothing: people look at it, and decide. */
export function findSuspicions(definition: JsonObject): readonly string[] {
  const found = new Set<string>();
  let left = MAX_CHARACTERS;
  for (const { path, text } of collectTexts(definition)) {
    left -= text.length;
    if (left < 0) return [...found, 'It is too long to be looked at as a whole.'].slice(-MAX_FINDINGS);
    const place = path === '' ? 'it' : path;
    if (INVISIBLE_CHARACTER.test(text)) found.add(`${place} holds characters that nobody sees.`);
    if (CONTROL_CHARACTER.test(text)) found.add(`${place} holds control characters.`);
    for (const [pattern, what] of INSTRUCTION_PATTERNS) if (pattern.test(text)) found.add(`${place} ${what}.`);
  }
  return [...found].slice(0, MAX_FINDINGS);
}

interface LocatedText {
  readonly path: string;
  readonly text: string;
}

/** Every text, names of members included: those of schemas are read by models, too. */
function collectTexts(value: JsonValue): readonly LocatedText[] {
  const texts: LocatedText[] = [];
  const waiting: { path: string; value: JsonValue | undefined }[] = [{ path: '', value }];
  for (let next = waiting.pop(); next && texts.length < MAX_TEXTS; next = waiting.pop()) {
    const { path, value: found } = next;
    if (typeof found === 'string') texts.push({ path, text: found });
    if (Array.isArray(found)) found.forEach((item, index) => waiting.push({ path: `${path}[${index}]`, value: item }));
    if (!isJsonObject(found)) continue;
    for (const [name, member] of Object.entries(found)) {
      texts.push({ path, text: name });
      waiting.push({ path: path === '' ? name : `${path}.${name}`, value: member });
    }
  }
  return texts;
}
