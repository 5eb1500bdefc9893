export { ReadinessChecksModule } from './readiness-checks.module.js';
