/** The optional members of listed items, as the schemas of clients allow them (specification: schema). */
import { isJsonObject, toNumber, type JsonObject, type JsonValue } from '../json.js';
import { RELATED_TASK } from '../tasks.js';

/** Returns the value that clients can read, the same value if they can read it already, undefined if it has none. */
export type MemberRule = (value: JsonValue) => JsonValue | undefined;

export type MemberRules = Readonly<Record<string, MemberRule>>;

const text: MemberRule = (value) => (typeof value === 'string' ? value : undefined);
const flag: MemberRule = (value) => (typeof value === 'boolean' ? value : undefined);
const number: MemberRule = (value) => (Number.isFinite(toNumber(value)) ? value : undefined);
const oneOf =
  (...values: readonly string[]): MemberRule =>
  (value) =>
    typeof value === 'string' && values.includes(value) ? value : undefined;

/** The readable items of a list. */
const listOf =
  (rule: MemberRule): MemberRule =>
  (value) => {
    if (!Array.isArray(value)) return undefined;
    const kept = value.map(rule).filter((item) => item !== undefined);
    return kept.length === value.length && kept.every((item, index) => item === value[index]) ? value : kept;
  };

/** An object without its unreadable members. */
const objectOf =
  (rules: MemberRules, isComplete: (value: JsonObject) => boolean = () => true): MemberRule =>
  (value) => {
    if (!isJsonObject(value)) return undefined;
    const readable = applyRules(value, rules);
    return isComplete(readable) ? readable : undefined;
  };

const fraction: MemberRule = (value) => {
  const size = toNumber(value) ?? -1;
  return size >= 0 && size <= 1 ? value : undefined;
};

const INSTANT = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;
const instant: MemberRule = (value) => {
  const day = typeof value === 'string' ? INSTANT.exec(value)?.[1] : undefined;
  const time = day === undefined ? NaN : Date.parse(`${day}T00:00:00Z`);
  // `Date.parse` accepts the 30th of February as a day in March.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day ?? '') ? value : undefined;
};

/** Earlier revisions had one text with all sizes. */
const sizes: MemberRule = (value) => (typeof value === 'string' ? [value] : listOf(text)(value));

const icons = listOf(
  objectOf({ src: text, mimeType: text, sizes, theme: oneOf('light', 'dark') }, ({ src }) => src !== undefined),
);

const COMMON: MemberRules = { title: text, description: text, icons, _meta: objectOf({}) };
const annotations = objectOf({
  audience: listOf(oneOf('user', 'assistant')),
  priority: fraction,
  lastModified: instant,
});

export const TOOL_RULES: MemberRules = {
  ...COMMON,
  annotations: objectOf({
    title: text,
    readOnlyHint: flag,
    destructiveHint: flag,
    idempotentHint: flag,
    openWorldHint: flag,
  }),
  execution: objectOf({ taskSupport: oneOf('required', 'optional', 'forbidden') }),
};
export const ARGUMENT_RULES: MemberRules = { title: text, description: text, required: flag };
export const PROMPT_RULES: MemberRules = COMMON;
export const TEMPLATE_RULES: MemberRules = { ...COMMON, mimeType: text, annotations };
export const RESOURCE_RULES: MemberRules = { ...TEMPLATE_RULES, size: number };

const token: MemberRule = (value) => (typeof value === 'string' || Number.isSafeInteger(value) ? value : undefined);
const duration: MemberRule = (value) => (Number.isSafeInteger(value) && (value as number) >= 0 ? value : undefined);

/** The members of a page beside its items and its cursor. */
export const PAGE_RULES: MemberRules = {
  _meta: objectOf({
    progressToken: token,
    [RELATED_TASK]: objectOf({ taskId: text }, ({ taskId }) => taskId !== undefined),
  }),
  ttlMs: duration,
  cacheScope: oneOf('public', 'private'),
};

/** Returns the object with readable members; the same object if all are. A member without a readable value is removed. */
export function applyRules(
  object: JsonObject,
  rules: MemberRules,
  onChange: (member: string) => void = () => undefined,
): JsonObject {
  let readable = object;
  for (const member in rules) {
    const value = Object.hasOwn(object, member) ? object[member] : undefined;
    if (value === undefined) continue;
    const next = rules[member]?.(value);
    if (next === value) continue;
    if (readable === object) readable = { ...object };
    if (next === undefined) delete readable[member];
    else readable[member] = next;
    onChange(member);
  }
  return readable;
}
