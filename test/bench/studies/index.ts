import { studyCatalog } from './catalog.js';
import { studyExtensions } from './extensions.js';
import { studyForwarding } from './forwarding.js';
import { studyIsolation } from './isolation.js';
import { studyLargeResults } from './large-results.js';
import { studyOpenStreams } from './open-streams.js';
import { studyRoundTrips } from './round-trips.js';
import { studyTelemetry } from './telemetry.js';
import type { Study, StudyName } from './study.js';

export { STUDY_NAMES, type StudyBench, type StudyName, type StudyReport } from './study.js';

export const STUDIES: Readonly<Record<StudyName, Study>> = {
  forwarding: studyForwarding,
  redis: studyRoundTrips,
  large: studyLargeResults,
  streams: studyOpenStreams,
  isolation: studyIsolation,
  catalog: studyCatalog,
  telemetry: studyTelemetry,
  extensions: studyExtensions,
};
