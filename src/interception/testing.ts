/** What tests of other folders need. */
export { InterceptionWorld, interceptorOf, Repeating, REPETITION } from './interception-fixture.js';
