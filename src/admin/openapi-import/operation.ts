import type { JsonObject, JsonValue } from '#lib/mcp-protocol';

/** An operation of a document, in the form of OpenAPI 3. */
export interface Operation {
  readonly verb: string;
  readonly path: string;
  readonly operation: JsonObject;
  /** Parameters of the path and of the operation. */
  readonly parameters: readonly JsonObject[];
  /** The servers of the operation or of its path. Undefined: those of the document. */
  readonly servers: JsonValue | undefined;
}

/** Something of a document that was not imported. */
export interface Skipped {
  /** `POST /pets` */
  readonly operation: string;
  /** Absent: the whole operation was not imported. */
  readonly part?: string;
  /** Continues a sentence about the operation or the part. */
  readonly reason: string;
}
