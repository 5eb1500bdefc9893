/** Roles that give access to the admin API beyond one's own tokens. */
export const ELEVATED_ROLES = ['admin', 'operator', 'auditor'] as const;

export type ElevatedRole = (typeof ELEVATED_ROLES)[number];

const elevated: ReadonlySet<string> = new Set(ELEVATED_ROLES);

export const isElevatedRole = (role: string): boolean => elevated.has(role);
