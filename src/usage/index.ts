export { USAGE_DIMENSIONS, UsageReport, type UsageDimension, type UsageSummary } from './usage-report.js';
export { UsageConfig } from './usage.config.js';
export { UsageModule } from './usage.module.js';
