import { flag, object, oneOf, text, texts } from './schema-parts.js';

/** JSON Schemas of what the imports of documents answer. */
export const IMPORT_SCHEMAS = {
  ImportedServer: object({
    entry: { type: 'object' },
    skipped: { type: 'array', items: object({ operation: text, 'part?': text, reason: text }) },
    security: {
      type: 'array',
      items: object({ name: text, type: text, 'in?': text, 'parameter?': text, configure: text }),
    },
  }),
  ServerJsonDraft: object({
    slug: text,
    entry: { type: 'object' },
    choice: text,
    choices: { type: 'array', items: object({ choice: text, label: text, 'unsupported?': text }) },
    inputs: {
      type: 'array',
      items: object({
        input: text,
        name: text,
        use: oneOf('argument', 'environment', 'header', 'url'),
        isRequired: flag,
        isSecret: flag,
        isRepeated: flag,
        isMissing: flag,
        'description?': text,
        'default?': text,
        'placeholder?': text,
        'format?': text,
        'choices?': texts,
      }),
    },
    skipped: { type: 'array', items: object({ member: text, reason: text }) },
  }),
} as const;
