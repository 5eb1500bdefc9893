export { describeErrors, type ValidationFault } from './describe-errors.js';
