/** The value of names beyond the bound, and of names that are not known. */
export const OTHER = 'other';

/** Maximum number of servers that have a series of their own. */
export const MAX_SERVER_SERIES = 1_000;
/** Maximum number of limits that have a series of their own. */
export const MAX_LIMIT_SERIES = 1_000;

/** Bounds the values of a label: the first names keep their own value, all later ones share one. */
export class LabelValues {
  private readonly known = new Set<string>();

  constructor(private readonly maxValues: number) {}

  of(name: string): string {
    if (this.known.has(name)) return name;
    if (this.known.size >= this.maxValues) return OTHER;
    this.known.add(name);
    return name;
  }

  /** True if the name has a value of its own. */
  has(name: string): boolean {
    return this.known.has(name);
  }
}
