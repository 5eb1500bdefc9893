/** A JSON object of unchecked shape. */
export interface Json {
  [key: string]: unknown;
}

type Keyword = string | number | boolean | null | Keyword[] | { [key: string]: Keyword };

/** Any JSON Schema. */
export interface Schema {
  [keyword: string]: Keyword;
}

/** A JSON Schema whose root is an object, as in `tools/list`. */
export interface ObjectSchema {
  type: 'object';
  properties?: { [name: string]: Schema };
  required?: string[];
  [keyword: string]: unknown;
}
