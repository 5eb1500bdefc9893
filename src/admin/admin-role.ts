import type { ElevatedRole } from '../tokens/index.js';

/** Roles of the admin API: change the configuration, operate the gateway, inspect it, or manage one's own tokens. */
export type AdminRole = ElevatedRole | 'user';
