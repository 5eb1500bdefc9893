import type { Principal } from '#lib/extension-kit';

/**
 * Returns the names by which an entry may list a principal: `issuer|subject`, and the subject alone unless it contains a
 * bar. A bar in a listed name separates issuer and subject, so the subject of one issuer must not imitate another issuer.
 */
export function principalNamesOf({ subject }: Principal, key: string): readonly string[] {
  return subject.includes('|') ? [key] : [key, subject];
}
