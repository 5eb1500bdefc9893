export { SchemaCheck } from './schema-check.js';
