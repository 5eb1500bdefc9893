/** A line with the same content in both formats: a text for a terminal, and flat members of a JSON object. */
export class StructuredLine {
  /** Both are built only when the line is printed. */
  constructor(
    private readonly toText: () => string,
    private readonly toFields: () => Readonly<Record<string, unknown>>,
  ) {}

  get fields(): Readonly<Record<string, unknown>> {
    return this.toFields();
  }

  toString(): string {
    return this.toText();
  }
}
