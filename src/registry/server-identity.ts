import { randomBytes } from 'node:crypto';
import type { ServerDefinition } from './server-definition.js';

const SEPARATOR = '@';
const RANDOM_BYTES = 9;

/**
 * Returns what approvals, overrides and tokens refer to instead of the slug, so that they do not apply to another server that gets
 * the slug later: the slug of a server of the configuration file, or else the slug with a random suffix.
 */
export const identityOf = ({ slug, identity = slug }: Pick<ServerDefinition, 'slug' | 'identity'>): string => identity;

export const createIdentity = (slug: string): string =>
  `${slug}${SEPARATOR}${randomBytes(RANDOM_BYTES).toString('base64url')}`;

export const slugOfIdentity = (identity: string): string => identity.split(SEPARATOR, 1)[0] ?? identity;
