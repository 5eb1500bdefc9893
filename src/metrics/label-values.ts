/** The value of names beyond the bound, and of names that are not known. */
export const OTHER = 'other';

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
}
