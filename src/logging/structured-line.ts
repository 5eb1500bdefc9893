/** The members of a line in JSON. `message` says in a few words what happened. */
export type LineFields = Readonly<Record<string, unknown>> & { readonly message: string };

/** A line with the same content in both formats. Only the form that is printed is built. */
export abstract class StructuredLine {
  /** For a terminal. */
  abstract toText(): string;

  /** Flat members of a JSON object. */
  abstract toFields(): LineFields;
}
