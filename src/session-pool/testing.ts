export { NullEventArchive, type ArchivedEvent } from './event-archive.js';
export { createSession, NEVER_ABORTED, sessionStart } from './session-pool-fixture.js';
export { TooManyCalls } from './session-pool.errors.js';
