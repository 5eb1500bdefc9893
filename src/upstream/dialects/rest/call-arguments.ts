import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

const PARAMETER = /\{([a-z_][\w.-]*)\}/gi;
const ONLY_A_PARAMETER = /^\{([a-z_][\w.-]*)\}$/i;

/** Texts as they are; everything else as JSON, which leaves large integers their digits. */
export const toText = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** The arguments of one call, and which of them were put somewhere. */
export class CallArguments {
  private readonly used = new Set<string>();

  constructor(private readonly all: JsonObject) {}

  use(name: string): JsonValue | undefined {
    this.used.add(name);
    return Object.hasOwn(this.all, name) ? this.all[name] : undefined;
  }

  /** A text that is an argument and nothing else is that argument's value; undefined where one of its arguments is missing. */
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

  /** Members and items that stand for arguments that are not given are left out. */
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

  /** Those that nothing has named. */
  unused(): JsonObject {
    return Object.fromEntries(Object.entries(this.all).filter(([name]) => !this.used.has(name)));
  }
}
