export { ChildPipe, type ChildPipeOptions } from './child-pipe.js';
export { RestartGuard } from './restart-guard.js';
export { describeStartFailure } from './start-failure.js';
