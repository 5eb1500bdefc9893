/**
 * Reduces an OpenAPI document to facts (names and shapes, no prose) and compresses it:
 * `node scripts/trim-openapi.mjs source.json test/fixtures/openapi/name.json.br`. A target `.yaml.br` is written as YAML.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';
import { load } from 'js-yaml';
import { stringify } from 'yaml';

/** Members whose keys are names of the API. */
const MAPS = new Set([
  'properties',
  'patternProperties',
  'paths',
  'webhooks',
  'definitions',
  'schemas',
  'responses',
  'requestBodies',
  'securitySchemes',
  'securityDefinitions',
  'variables',
  'content',
  'encoding',
  'mapping',
]);
const PROSE = new Set(['description', 'summary', 'title', 'example', 'examples', 'externalDocs', 'tags', 'contact']);
/** They describe what happens after a call. */
const UNUSED = new Set(['callbacks', 'links', 'headers', 'termsOfService']);

function trim(value, isMap, isRoot) {
  if (Array.isArray(value)) return value.map((each) => trim(each, false));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).flatMap(([name, each]) => {
    if (isRoot && name === 'info') return [[name, { title: each.title, version: each.version, license: each.license }]];
    if (isRoot && name === 'webhooks') return [[name, Object.fromEntries(Object.keys(each).map((key) => [key, {}]))]];
    if (name === 'default' || name === 'enum' || name === 'const') return [[name, each]];
    if (!isMap && (PROSE.has(name) || UNUSED.has(name) || (name.startsWith('x-') && name !== 'x-nullable'))) return [];
    const isParameterMap = name === 'parameters' && !Array.isArray(each);
    return [[name, trim(each, !isMap && (MAPS.has(name) || isParameterMap), false)]];
  });
  return Object.fromEntries(entries);
}

const [source = '', target = ''] = process.argv.slice(2);
const text = readFileSync(source, 'utf8');
const document = trim(text.trimStart().startsWith('{') ? JSON.parse(text) : load(text, { json: true }), false, true);
const written = target.endsWith('.yaml.br')
  ? stringify(document, { aliasDuplicateObjects: false })
  : JSON.stringify(document);
const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
writeFileSync(target, brotliCompressSync(Buffer.from(written), { params }));
