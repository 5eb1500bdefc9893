/** Cleans foreign texts for error messages of the gateway: short, printable, without secrets and internal addresses. */

const MAX_DETAIL_LENGTH = 200;
/** Texts are truncated before they are searched, so that a huge body costs nothing. */
const MAX_SEARCHED_LENGTH = 1000;

const STACK = /[\r\n]\s*at [\s\S]*/;
const CONTROLS = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu;
const CREDENTIALS = /\b(bearer|basic)\s+(?=[\w.~+/-]*\d)[\w.~+/-]{12,}=*/gi;
const NAMED_SECRET =
  /\b((?:access_|refresh_|id_)?token|api[_-]?key|secret|password)(["']?\s*[:=]\s*["']?)[^\s"'&,;]+/gi;
const JSON_WEB_TOKEN = /\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?/g;
const QUERY = /(\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s?#"'<>]*)[?#][^\s"'<>]*/gi;
const USER_INFO = /(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@]*@/gi;
const QUERY_OF_PATH = /(\/[^\s?"'<>]*)\?[^\s"'<>]*/g;
const PRIVATE_IPV4 =
  /(?<![\w.])(?:(?:0|10|127)\.\d{1,3}|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))(?:\.\d{1,3}){2}(?::\d+)?/g;
const PRIVATE_IPV6 =
  /(?<![\w:])\[?(?:::(?:1|ffff:[\d.]+)?|f[cd][0-9a-f]{2}:[0-9a-f:]+|fe[89ab][0-9a-f]:[0-9a-f:]+)\]?(?::\d{1,5})?(?![\w:])/gi;
const LOCAL_NAME = /\b(?:localhost|[\w-]{1,63}(?:\.[\w-]{1,63}){0,6}\.(?:local|internal|localdomain))(?::\d+)?\b/gi;
const WINDOWS_PATH = /\b[a-z]:\\[^\s"'<>]*/gi;
const UNIX_PATH = /(?<![\w:/.<])~?(?:\/[\w.@+-]+){2,}\/?/g;

/** Returns the text without credentials, and without the query of addresses. Paths and addresses stay. */
export const hideSecrets = (text: string): string =>
  text
    .replace(CREDENTIALS, '$1 [hidden]')
    .replace(NAMED_SECRET, '$1$2[hidden]')
    .replace(JSON_WEB_TOKEN, '[hidden]')
    .replace(USER_INFO, '$1')
    .replace(QUERY, '$1');

/** Returns the cleaned text: one line of at most `maxLength` UTF-16 code units. */
export function cleanDetail(text: string, maxLength = MAX_DETAIL_LENGTH): string {
  const printable = text.slice(0, MAX_SEARCHED_LENGTH).replace(STACK, '').replace(CONTROLS, ' ');
  const masked = hideSecrets(printable)
    .replace(QUERY_OF_PATH, '$1')
    .replace(PRIVATE_IPV4, '[address]')
    .replace(PRIVATE_IPV6, '[address]')
    .replace(LOCAL_NAME, '[address]')
    .replace(WINDOWS_PATH, '[path]')
    .replace(UNIX_PATH, '[path]');
  return masked.trim().slice(0, maxLength).toWellFormed();
}
