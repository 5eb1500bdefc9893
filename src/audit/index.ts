export { ArgumentViews } from './argument-views.js';
export { AuditConfig } from './audit.config.js';
export { AuditLog } from './audit-log.js';
export { AuditModule } from './audit.module.js';
export { AuditSinks } from './audit-sinks.js';
export { CallAudit } from './call-audit.js';
export { describeCaller } from './describe-caller.js';
export { describeSource } from './describe-source.js';
export type { AuditSinkStatus } from './sinks/sink-queue.js';
export {
  AUDIT_KINDS,
  AUDIT_OUTCOMES,
  type AuditEvent,
  type AuditKind,
  type AuditOutcome,
  type AuditRecord,
} from './audit-record.js';
export { AuditKey } from './chain/audit-key.js';
export { AuditTable } from './audit-table.js';
export { verifyDatabase, verifyLines, type TimeRange, type VerificationReport } from './chain/verify-records.js';
export { describeReport } from './verification-text.js';
