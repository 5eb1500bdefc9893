export { recordOf } from './call-record-fixture.js';
