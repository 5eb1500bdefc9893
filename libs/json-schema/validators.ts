import { _, Ajv, type KeywordCxt, type Options } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { canonicalJson, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { spend } from './check-budget.js';
import { compileLinearPattern } from './linear-pattern.js';

/** The keyword that counts the work of applying a schema. */
export const WORK_KEYWORD = 'x-isthmus-work';

/** Work of comparing one item with the others, besides its text. */
const WORK_PER_UNIQUE_ITEM = 60;

const DRAFT_7 = /^https?:\/\/json-schema\.org\/draft-0[67]\/schema#?$/;

const regExp = Object.assign(
  (pattern: string) => {
    const compiled = compileLinearPattern(pattern);
    const test = (text: string): boolean => {
      spend(1 + text.length * compiled.workPerCharacter);
      return compiled.test(text);
    };
    // ajv reuses a compiled pattern for every other one with the same text.
    return { test, toString: () => compiled.toString() };
  },
  { code: 'compileLinearPattern' },
);

const OPTIONS: Options = {
  strict: false,
  logger: false,
  // `format` is an annotation (JSON Schema Validation 2020-12, section 7.2.1).
  validateFormats: false,
  // Done before, without generating code.
  validateSchema: false,
  ownProperties: true,
  // Inlining repeated references could grow the code exponentially.
  inlineRefs: false,
  code: { regExp },
};

let known2020: Ajv | undefined;
let known7: Ajv | undefined;

/** Returns the validator of the schema's dialect. Created on first use: most gateways have no tools of their own. */
export function validatorOf({ $schema: dialect }: JsonObject): Ajv {
  return typeof dialect === 'string' && DRAFT_7.test(dialect)
    ? (known7 ??= withOwnKeywords(new Ajv(OPTIONS)))
    : (known2020 ??= withOwnKeywords(new Ajv2020(OPTIONS)));
}

function withOwnKeywords(validator: Ajv): Ajv {
  // The built-in form compares each item with each other one.
  validator.removeKeyword('uniqueItems');
  validator.addKeyword({ keyword: 'uniqueItems', type: 'array', schemaType: 'boolean', validate: areUnique });
  return validator.addKeyword({
    keyword: WORK_KEYWORD,
    schemaType: 'number',
    before: 'properties',
    code: ({ gen, schema }: KeywordCxt) => {
      gen.code(_`${gen.scopeValue('func', { ref: spend })}(${schema as number})`);
    },
  });
}

function areUnique(isRequired: boolean, items: readonly JsonValue[]): boolean {
  if (!isRequired) return true;
  const texts = items.map((item) => {
    const text = canonicalJson(item);
    spend(WORK_PER_UNIQUE_ITEM + text.length / 4);
    return text;
  });
  return new Set(texts).size === texts.length;
}
