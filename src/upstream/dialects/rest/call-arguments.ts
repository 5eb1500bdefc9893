import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

const PARAMETER = /\{([a-z_][\w.-]*)\}/gi;
const ONLY_A_PARAMETER = /^\{([a-z_][\w.-]*)\}$/i;

/** Returns whether a template contains an argument. */
export const hasPlaceholder = (template: string): boolean => template.search(PARAMETER) !== -1;

/** Returns a text unchanged and every other value as JSON, which preserves the digits of large integers. */
export const toText = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** The arguments of one call, and the names of those that were used. */
export class CallArguments {
  private readonly used = new Set<string>();

  constructor(private readonly all: JsonObject) {}

  use(name: string): JsonValue | undefined {
    this.used.add(name);
    return Object.hasOwn(this.all, name) ? this.all[name] : undefined;
  }

  /**
   * Expands a template. A template of exactly one placeholder keeps the argument's type; undefined when an argument is
   * missing.
   */
  expand(template: string): JsonValue | undefined {
    const [, only] = ONLY_A_PARAMETER.exec(template) ?? [];
    if (only !== undefined) return this.use(only);
    let isWhole = true;
    const text = template.replaceAll(PARAMETER, (_whole, name: string) => {
      const value = this.use(name);
      isWhole &&= value !== undefined;
      return value === undefined ? '' : toText(value);
    });
    return isWhole ? text : undefined;
  }

  /** Expands all texts of a JSON template. Members and items whose arguments are missing are omitted. */
  expandAll(template: JsonValue): JsonValue | undefined {
    if (typeof template === 'string') return this.expand(template);
    if (Array.isArray(template)) {
      return template.map((item) => this.expandAll(item)).filter((item): item is JsonValue => item !== undefined);
    }
    if (!isJsonObject(template)) return template;
    const members = Object.entries(template).flatMap(([name, member]) => {
      const filled = member === undefined ? undefined : this.expandAll(member);
      return filled === undefined ? [] : [[name, filled] as const];
    });
    return Object.fromEntries(members);
  }

  /** Returns the arguments that no template has used. */
  unused(): JsonObject {
    return Object.fromEntries(Object.entries(this.all).filter(([name]) => !this.used.has(name)));
  }
}
