/** Maximum length of the text, in characters. */
const MAX_LENGTH = 200;
/** What follows the scheme of a URL may contain credentials. */
const REST_OF_URL = /([a-z][a-z0-9+.-]*:\/\/)[^\s'"]+/gi;

/** Describes why a sink cannot be written as one line for a person, without credentials. */
export function describeCause(cause: unknown): string {
  const text = cause instanceof Error && cause.message !== '' ? cause.message : String(cause);
  return text.replaceAll(REST_OF_URL, '$1[hidden]').replaceAll(/\s+/g, ' ').slice(0, MAX_LENGTH);
}
