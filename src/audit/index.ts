export { AuditConfig } from './audit.config.js';
export { AuditLog } from './audit-log.js';
export { AuditModule } from './audit.module.js';
export { describeCaller } from './describe-caller.js';
export { describeSource } from './describe-source.js';
export { AUDIT_OUTCOMES, type AuditEvent, type AuditOutcome, type AuditRecord } from './audit-record.js';
