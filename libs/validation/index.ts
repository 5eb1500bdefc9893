export { describeErrors } from './describe-errors.js';
export { findMember, transformMetadata, type NestedMember } from './nested-classes.js';
