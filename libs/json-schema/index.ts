export { compileSchema, SchemaFault, type SchemaCheck } from './compile-schema.js';
export { readDeclaredProperties, type DeclaredProperties } from './declared-properties.js';
