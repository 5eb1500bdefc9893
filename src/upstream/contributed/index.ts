export { describe } from './adapter-fault.js';
export { ContributedServers } from './contributed-servers.js';
