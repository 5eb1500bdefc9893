export { ApprovalCheck, ApprovalOptions } from './approval-check.js';
