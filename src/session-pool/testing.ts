export { NullEventArchive, type ArchivedEvent } from './event-archive.js';
