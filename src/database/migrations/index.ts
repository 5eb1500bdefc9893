import type { Migration } from '../migration.js';
import { registry } from './0001-registry.js';
import { audit } from './0002-audit.js';

/** All of them, in their order. A new one is a file with the next number, and a line here. */
export const MIGRATIONS: readonly Migration[] = [registry, audit];
