import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

const PARAMETER = /\{([a-z_][\w.-]*)\}/gi;
const ONLY_A_PARAMETER = /^\{([a-z_][\w.-]*)\}$/i;

/** Returns a text unchanged and every other value as JSON, which preserves the digits of large integers. */
export const textOf = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** The arguments of one call, and the names of those that were used. */
export class Arguments {
  private readonly taken = new Set<string>();

  constructor(private readonly given: JsonObject) {}

  take(name: string): JsonValue | undefined {
    this.taken.add(name);
    return Object.hasOwn(this.given, name) ? this.given[name] : undefined;
  }

  /**
   * Expands a template. A template of exactly one placeholder keeps the argument's type; undefined when an argument is
   * missing.
   */
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

  /** Expands all texts of a JSON template. Members and items whose arguments are missing are omitted. */
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

  /** Returns the arguments that no template has used. */
  rest(): JsonObject {
    return Object.fromEntries(Object.entries(this.given).filter(([name]) => !this.taken.has(name)));
  }
}
