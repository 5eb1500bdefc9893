export {
  describeScore,
  isPerfect,
  checkName,
  runConformance,
  type ConformanceScore,
  type FailedCheck,
} from './score.js';
export { crossingSubjects, directSubjects, gatewaySubjects, runningSubject, type Subject } from './subjects.js';
export type { Revision } from './suite.js';
