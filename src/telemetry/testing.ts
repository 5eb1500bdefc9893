export type { CallRecord } from './call-record.js';
