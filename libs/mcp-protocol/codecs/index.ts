export { classifyEra } from './classify.js';
export { capabilityNames, errorForEra } from './error-translation.js';
export {
  decodeLegacyRequest,
  encodeLegacyRequest,
  encodeLegacyResult,
  negotiateLegacy,
  UntranslatableResult,
} from './legacy.js';
export { META } from './meta.js';
export {
  decodeModernNotification,
  decodeModernRequest,
  encodeModernRequest,
  encodeModernResult,
  modernStatusOf,
  unsupportedRevision,
} from './modern.js';
export { toLegacyAnswer, toLegacyQuestion, toModernQuestion, toUrlElicitations } from './questions.js';
export {
  allowsBatches,
  eraOfRevision,
  LATEST_LEGACY_REVISION,
  LATEST_MODERN_REVISION,
  LEGACY_REVISIONS,
  MODERN_REVISIONS,
  SSE_REVISION,
  SUPPORTED_REVISIONS,
  toUnsupportedRevisionText,
} from './revisions.js';
export { needsEnvelope, toEnvelope, toEnvelopeSchema } from './result-envelope.js';
