export { PersonalDataCheck } from './personal-data-check.js';
export { PersonalDataOptions, type PersonalDataKind } from './personal-data-options.js';
