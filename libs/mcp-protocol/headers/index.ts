export { checkMirroredHeaders, checkNotificationHeaders, checkParameterHeaders, type Headers } from './checks.js';
export { isHeaderValue, isToken } from './grammar.js';
export { mirrorParameters, readParameterHeaders, type ParameterHeader } from './parameters.js';
export { trimOptionalWhitespace } from './optional-whitespace.js';
export { encodeHeaderValue } from './value-codec.js';
