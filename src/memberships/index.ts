export { Memberships } from './memberships.js';
export { MembershipsModule } from './memberships.module.js';
