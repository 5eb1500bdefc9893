export type { ReloadResult } from './configuration-file.js';
export { RegistryComponents } from './open-registry.js';
export { expandVariables } from './expand-variables.js';
