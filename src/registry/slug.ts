const SLUG = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const LONGEST_SLUG = 32;
/** The endpoint that is there without configuration. */
export const DEFAULT_SLUG = 'default';

/** What is wrong with a name for a server or a virtual server; undefined when it is a good one. */
export function findSlugFault(slug: string): string | undefined {
  if (!SLUG.test(slug) || slug.length > LONGEST_SLUG) {
    const form = 'starts with a letter and holds lower-case letters, digits and single hyphens';
    return `A name ${form}, at most ${LONGEST_SLUG} characters.`;
  }
  return slug === DEFAULT_SLUG ? 'This name is taken by the gateway itself.' : undefined;
}
