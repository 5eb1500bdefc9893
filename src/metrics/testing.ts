export { Metrics } from './metrics.js';
export type { RegisteredMetric } from './meters.js';
