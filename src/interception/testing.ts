/** What tests of other folders need. */
export { InterceptionWorld, interceptorOf, REPETITION } from './interception-fixture.js';
