import type { JsonObject, JsonValue } from '#lib/mcp-protocol';

export const REST_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
/** Arguments without a place of their own go into the body of these methods, and into the query of the others. */
export const METHODS_WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

export type RestMethod = (typeof REST_METHODS)[number];

export const PARAMETER_PLACES = ['path', 'query', 'header', 'cookie', 'body'] as const;
export type ParameterPlace = (typeof PARAMETER_PLACES)[number];

/** The styles of OpenAPI, `tabDelimited` (`tsv` of Swagger 2.0), and `json` for a parameter whose content is JSON. */
export const PARAMETER_STYLES = [
  'form',
  'simple',
  'label',
  'matrix',
  'spaceDelimited',
  'pipeDelimited',
  'tabDelimited',
  'deepObject',
  'json',
] as const;
export type ParameterStyle = (typeof PARAMETER_STYLES)[number];

/** The styles that a place can have. The first one is its default. */
export const STYLES_OF_PLACE: Readonly<Record<ParameterPlace, readonly ParameterStyle[]>> = {
  path: ['simple', 'label', 'matrix', 'json'],
  query: ['form', 'spaceDelimited', 'pipeDelimited', 'tabDelimited', 'deepObject', 'json'],
  header: ['simple', 'json'],
  cookie: ['form', 'json'],
  body: [],
};

/** How a value is written as text (OpenAPI 3.1, 4.8.12: style values and examples). */
export interface ValueStyle {
  /** Absent: the first style of the place. */
  readonly style?: ParameterStyle;
  /** Each item of a list and each member of an object is written by itself. Absent: true for `form`, false for other styles. */
  readonly explode?: boolean;
  /** Characters that separate parts of a URL are sent as they are, except those that would begin another parameter. */
  readonly allowReserved?: boolean;
}

/** Where and under which name the API expects an argument. */
export interface RestParameter extends ValueStyle {
  readonly in: ParameterPlace;
  /** Absent: the name of the argument. */
  readonly name?: string;
}

/** How a member of a form is sent. */
export interface FormField extends ValueStyle {
  /** Media type of its part of a multipart form. A JSON media type writes the value as JSON. */
  readonly contentType?: string;
  /** The argument is a file, in base64. */
  readonly file?: boolean;
}

/** The body of the requests of a tool. */
export interface RestRequestBody {
  /** Absent: application/json. */
  readonly contentType?: string;
  /** The argument whose value is the whole body. Absent: the body is an object of all arguments that have no other place. */
  readonly argument?: string;
  /** An empty object is sent when no argument is for the body. Absent: no body is sent then. */
  readonly required?: boolean;
  /** The argument contains the bytes of the body in base64. */
  readonly base64?: boolean;
  /** The members of a form that are not sent in the usual way, by their names at the API. */
  readonly fields?: Readonly<Record<string, FormField>>;
}

/** One tool of a REST server. It maps a call to one HTTP request. */
export interface RestTool {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly method: RestMethod;
  /** Replaces the URL of the server. The headers of the server are sent to its own origin only. */
  readonly url?: string;
  /** Starts with `/`; `{name}` stands for the argument of that name. */
  readonly path: string;
  /** Always has the type `object`. */
  readonly inputSchema: JsonObject;
  /** Schema of the structured content, published to clients. */
  readonly outputSchema?: JsonObject;
  /** Headers of each request by name. `{argument}` is replaced by the argument of that name. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Query parameters by name. Absent: for methods without a body, all arguments that no other part of the mapping uses. */
  readonly query?: Readonly<Record<string, string>>;
  /** The body. Absent: for methods with a body, an object of all arguments that no other part of the mapping uses. */
  readonly body?: JsonValue;
  /** The arguments that are sent under another name or in a certain style, by their names. */
  readonly parameters?: Readonly<Record<string, RestParameter>>;
  /** Absent: the body is described by `body`. */
  readonly requestBody?: RestRequestBody;
  /** Media types that are requested. Absent: JSON is preferred. */
  readonly accept?: string;
  /** The part of a JSON response that becomes the result (JSONPath, RFC 9535). Absent: the whole response. */
  readonly result?: string;
}
