export { toCompatible } from './compatible-text.js';
export { mapTexts, type TextMapping } from './map-texts.js';
export { maskTexts, type MaskedTexts, type TextFinder, type TextFinding, type TextSearch } from './mask-texts.js';
export { joinSpans, replaceSpans, type TextSpan } from './text-spans.js';
export { doTextWork, TooMuchText, WORK_PER_CANDIDATE, workOfSearch, type TextWork } from './text-work.js';
