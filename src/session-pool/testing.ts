export { NullEventArchive, type ArchivedEvent } from './event-archive.js';
export { accessTo, createSession, NEVER_ABORTED, sessionStart } from './session-pool-fixture.js';
export { TooManyCalls } from './session-pool.errors.js';
