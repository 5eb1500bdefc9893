export { AuditConfig } from './audit.config.js';
export { AuditLog } from './audit-log.js';
export { AuditModule } from './audit.module.js';
export { AUDIT_OUTCOMES, type AuditOutcome, type AuditRecord } from './audit-record.js';
