export { APPROVAL_STATES, KEPT_MS, type Approval, type ApprovalState } from './approval.js';
export { ApprovalsConfig } from './approvals.config.js';
export { Approvals } from './approvals.js';
export { ApprovalsModule } from './approvals.module.js';
