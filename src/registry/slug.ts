const SLUG = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const MAX_SLUG_LENGTH = 32;
/** Slug of the endpoint that exists without configuration. */
export const DEFAULT_SLUG = 'default';

/** Returns why a slug is invalid; undefined when it is valid. */
export function findSlugFault(slug: string): string | undefined {
  if (!SLUG.test(slug) || slug.length > MAX_SLUG_LENGTH) {
    const form = 'must start with a letter and contain only lower-case letters, digits and single hyphens';
    return `A name ${form}, at most ${MAX_SLUG_LENGTH} characters.`;
  }
  return slug === DEFAULT_SLUG ? 'This name is reserved for the gateway itself.' : undefined;
}
