/** What the value of a keyword of JSON Schema must be, in the drafts from 6 to 2020-12. */
export type KeywordKind =
  | 'number'
  | 'positive'
  | 'count'
  | 'text'
  | 'flag'
  | 'type'
  | 'enum'
  | 'names'
  | 'pattern'
  | 'anchor'
  | 'schema'
  | 'schemas'
  | 'items'
  | 'properties'
  | 'schemaMap'
  | 'patternMap'
  | 'nameMap'
  | 'dependencies';

/** Keywords that are absent may have any value. */
export const KEYWORDS: ReadonlyMap<string, KeywordKind> = new Map<string, KeywordKind>(
  Object.entries({
    number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
    positive: ['multipleOf'],
    count: [
      'minLength',
      'maxLength',
      'minItems',
      'maxItems',
      'minProperties',
      'maxProperties',
      'minContains',
      'maxContains',
    ],
    text: [
      '$schema',
      '$id',
      '$ref',
      '$dynamicRef',
      '$comment',
      'title',
      'description',
      'format',
      'contentEncoding',
      'contentMediaType',
    ],
    flag: ['uniqueItems', 'readOnly', 'writeOnly', 'deprecated', 'nullable'],
    type: ['type'],
    enum: ['enum'],
    names: ['required'],
    pattern: ['pattern'],
    anchor: ['$anchor', '$dynamicAnchor'],
    schema: [
      'not',
      'if',
      'then',
      'else',
      'contains',
      'propertyNames',
      'additionalProperties',
      'additionalItems',
      'unevaluatedProperties',
      'unevaluatedItems',
      'contentSchema',
    ],
    schemas: ['allOf', 'anyOf', 'oneOf', 'prefixItems'],
    items: ['items'],
    properties: ['properties'],
    schemaMap: ['dependentSchemas', '$defs', 'definitions'],
    patternMap: ['patternProperties'],
    nameMap: ['dependentRequired'],
    dependencies: ['dependencies'],
  } satisfies Record<KeywordKind, readonly string[]>).flatMap(([kind, keywords]) =>
    keywords.map((keyword) => [keyword, kind as KeywordKind] as const),
  ),
);

/** Keywords without which a schema accepts the same values. */
export const ANNOTATIONS: ReadonlySet<string> = new Set([
  '$schema',
  '$id',
  '$anchor',
  '$dynamicAnchor',
  '$comment',
  '$defs',
  'definitions',
  'title',
  'description',
  'contentEncoding',
  'contentMediaType',
  'contentSchema',
  'readOnly',
  'writeOnly',
  'deprecated',
  'nullable',
]);
