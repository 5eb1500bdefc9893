export { keepCounters, readSnapshot, sumSnapshots, type Aggregation, type MetricSnapshot } from './metric-snapshots.js';
