export { CallInterceptors } from './call-interceptors.js';
export { progressOf, serverAnswersOf } from './intercepted-call.js';
export { copyJsonObject, freezeDeeply } from './json-copy.js';
export { OutcomeInterceptor } from './outcome-interceptor.js';
export { STATE_OF_CALL, StatedRefusal } from './interception.errors.js';
export { OwnTime } from './own-time.js';
export { InterceptionModule } from './interception.module.js';
