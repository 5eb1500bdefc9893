export { CallInterceptors } from './call-interceptors.js';
export { askingAbout, progressOf, serverAnswersOf, type Asking } from './intercepted-call.js';
export { copyJsonObject, freezeDeeply } from './json-copy.js';
export { OutcomeInterceptor } from './outcome-interceptor.js';
export { InputRequested, Misuse, STATE_OF_CALL, StatedRefusal } from './interception.errors.js';
export { OwnTime } from './own-time.js';
export { InterceptionModule } from './interception.module.js';
