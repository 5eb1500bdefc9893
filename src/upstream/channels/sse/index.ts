export { SsePipe, type SsePipeOptions, type SseRefusal } from './sse-pipe.js';
