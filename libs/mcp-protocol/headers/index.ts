export { checkMirroredHeaders, checkParameterHeaders, type Headers } from './checks.js';
export { mirrorParameters, readParameterHeaders, type ParameterHeader, type ParameterType } from './parameters.js';
export { decodeHeaderValue, encodeHeaderValue } from './value-codec.js';
