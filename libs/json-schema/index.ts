export { compileSchema, type SchemaCheck } from './compile-schema.js';
export { readDeclaredProperties, type DeclaredProperties } from './declared-properties.js';
export { SchemaFault } from './schema-fault.js';
export { MAX_SCHEMA_LENGTH, validateSchema } from './validate-schema.js';
