export { ConfiguredAccessPolicy } from './configured-access-policy.js';
export { PolicyModule } from './policy.module.js';
