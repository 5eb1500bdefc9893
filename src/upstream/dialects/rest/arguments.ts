import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

const PARAMETER = /\{([a-z_][\w.-]*)\}/gi;
const ONLY_A_PARAMETER = /^\{([a-z_][\w.-]*)\}$/i;

/** Texts as they are; everything else as JSON, which leaves large integers their digits. */
export const textOf = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** The arguments of one call, and which of them were put somewhere. */
export class Arguments {
  private readonly taken = new Set<string>();

  constructor(private readonly given: JsonObject) {}

  take(name: string): JsonValue | undefined {
    this.taken.add(name);
    return Object.hasOwn(this.given, name) ? this.given[name] : undefined;
  }

  /** A text that is an argument and nothing else is that argument's value; undefined where one of its arguments is missing. */
  fill(template: string): JsonValue | undefined {
    const [, only] = ONLY_A_PARAMETER.exec(template) ?? [];
    if (only !== undefined) return this.take(only);
    let isWhole = true;
    const text = template.replaceAll(PARAMETER, (_whole, name: string) => {
      const value = this.take(name);
      isWhole &&= value !== undefined;
      return value === undefined ? '' : textOf(value);
    });
    return isWhole ? text : undefined;
  }

  /** Members and items that stand for arguments that are not given are left out. */
  fillAll(template: JsonValue): JsonValue | undefined {
    if (typeof template === 'string') return this.fill(template);
    if (Array.isArray(template)) {
      return template.map((item) => this.fillAll(item)).filter((item): item is JsonValue => item !== undefined);
    }
    if (!isJsonObject(template)) return template;
    const members = Object.entries(template).flatMap(([name, member]) => {
      const filled = member === undefined ? undefined : this.fillAll(member);
      return filled === undefined ? [] : [[name, filled] as const];
    });
    return Object.fromEntries(members);
  }

  /** Those that nothing has named. */
  rest(): JsonObject {
    return Object.fromEntries(Object.entries(this.given).filter(([name]) => !this.taken.has(name)));
  }
}
