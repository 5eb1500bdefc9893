export { describeErrors } from './describe-errors.js';
