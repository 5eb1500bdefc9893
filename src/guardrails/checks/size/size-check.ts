import { IsInt, IsOptional, Max, Min } from 'class-validator';
import {
  Guardrail,
  GuardrailCheck,
  isJsonObject,
  PASS,
  type GuardrailSubject,
  type GuardrailVerdict,
  type JsonObject,
  type JsonValue,
} from '#lib/extension-kit';
import { cutText } from './cut-text.js';

const DEFAULT_CHARACTERS = 100_000;
const DEFAULT_BINARY_BYTES = 1_048_576;
const DEFAULT_ITEMS = 1_000;

/** Options of the check `size`. */
export class SizeOptions {
  /**
   * Maximum number of characters of all texts of a result together. What exceeds it is cut, with a note. Structured content, which
   * cannot be cut, may have as many characters as JSON; a result with more is refused. Default: 100000.
   */
  @IsOptional()
  @IsInt()
  @Min(100)
  @Max(100_000_000)
  readonly maxCharacters?: number;

  /** Maximum size of an image, a sound or another binary part, in bytes. A result with a larger one is refused. Default: 1048576. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(100_000_000)
  readonly maxBinaryBytes?: number;

  /**
   * Maximum number of content blocks of a result. Further ones of a tool are left out, with a note; a prompt or resource with more is
   * refused. Default: 1000.
   */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100_000)
  readonly maxItems?: number;
}

type Limits = Required<SizeOptions>;

/** Bounds results: cuts text and lists of content with a note, and refuses what cannot be cut. */
@Guardrail('size', { phases: ['results'], options: SizeOptions })
export class SizeCheck extends GuardrailCheck {
  check({ value }: GuardrailSubject, options: SizeOptions): GuardrailVerdict {
    const limits: Limits = {
      maxCharacters: options.maxCharacters ?? DEFAULT_CHARACTERS,
      maxBinaryBytes: options.maxBinaryBytes ?? DEFAULT_BINARY_BYTES,
      maxItems: options.maxItems ?? DEFAULT_ITEMS,
    };
    return findRefusal(value, limits) ?? cutResult(value, limits);
  }
}

/** Members of results that list blocks: of a tool, of a prompt, of a resource. */
const LISTS = ['content', 'messages', 'contents'] as const;

function findRefusal(value: JsonObject, limits: Limits): GuardrailVerdict | undefined {
  const { maxBinaryBytes, maxCharacters, maxItems } = limits;
  const binaries = LISTS.flatMap((list) => itemsOf(value, list)).filter((item) => bytesOf(item) > maxBinaryBytes);
  if (binaries.length > 0) {
    const reason = `The result has binary content of more than ${maxBinaryBytes} bytes. Request a smaller part or another format.`;
    return { action: 'refuse', reason, findings: [{ kind: 'large-binary', count: binaries.length }] };
  }
  const structured = value['structuredContent'];
  if (structured !== undefined && JSON.stringify(structured).length > maxCharacters) {
    const reason = `The structured content has more than ${maxCharacters} characters. Request less, for example by filters or pages.`;
    return { action: 'refuse', reason, findings: [{ kind: 'large-structured-content', count: 1 }] };
  }
  const isUncut = itemsOf(value, 'messages').length > maxItems || itemsOf(value, 'contents').length > maxItems;
  if (!isUncut) return undefined;
  const reason = `The result has more than ${maxItems} parts. Request less.`;
  return { action: 'refuse', reason, findings: [{ kind: 'many-items', count: 1 }] };
}

function cutResult(value: JsonObject, { maxCharacters, maxItems }: Limits): GuardrailVerdict {
  const content = itemsOf(value, 'content');
  const kept = content.length > maxItems ? [...content.slice(0, maxItems), toNote(content.length - maxItems)] : content;
  const cutter = new ResultCutter(maxCharacters);
  const lists = LISTS.filter((list) => Array.isArray(value[list]));
  const cut = lists.map((list) => [
    list,
    (list === 'content' ? kept : itemsOf(value, list)).map((item) => cutter.cut(item)),
  ]);
  const findings = [
    ...(cutter.texts > 0 ? [{ kind: 'long-text', count: cutter.texts }] : []),
    ...(kept === content ? [] : [{ kind: 'many-items', count: 1 }]),
  ];
  if (findings.length === 0) return PASS;
  return { action: 'change', value: { ...value, ...(Object.fromEntries(cut) as JsonObject) }, findings };
}

const toNote = (count: number): JsonObject => ({
  type: 'text',
  text: `[The gateway left out ${count} further parts of this result.]`,
});

/** Cuts the texts of a result: all of them together have so many characters. */
class ResultCutter {
  /** The number of texts that were cut. */
  texts = 0;

  constructor(private left: number) {}

  /** Cuts the texts of a block, a message, or the contents of a resource. */
  cut(item: JsonValue): JsonValue {
    if (!isJsonObject(item)) return item;
    const { text, resource, content } = item;
    if (typeof text === 'string') return { ...item, text: this.cutText(text) };
    if (isJsonObject(resource)) return { ...item, resource: this.cut(resource) };
    if (Array.isArray(content)) return { ...item, content: content.map((block) => this.cut(block)) };
    return isJsonObject(content) ? { ...item, content: this.cut(content) } : item;
  }

  private cutText(text: string): string {
    const shown = cutText(text, this.left);
    this.left -= shown.length;
    if (shown.length === text.length) return text;
    this.texts += 1;
    return `${shown}\n[The gateway left out ${text.length - shown.length} of ${text.length} characters.]`;
  }
}

function itemsOf(value: JsonObject, list: string): readonly JsonValue[] {
  const items = value[list];
  return Array.isArray(items) ? items : [];
}

/** The size of the largest binary part of a block, a message, or the contents of a resource. */
function bytesOf(item: JsonValue): number {
  if (Array.isArray(item)) return item.reduce<number>((most, each) => Math.max(most, bytesOf(each)), 0);
  if (!isJsonObject(item)) return 0;
  const { data, blob, resource, content } = item;
  const own = [data, blob].map((base64) => (typeof base64 === 'string' ? Buffer.byteLength(base64, 'base64') : 0));
  return Math.max(...own, bytesOf(resource ?? null), bytesOf(content ?? null));
}
