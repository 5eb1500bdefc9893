/**
 * Makes a foreign text fit for an error message: short, printable, and without what could give something away.
 */
const LONGEST_DETAIL = 200;
/** Texts are cut before they are searched, so that a huge body costs nothing. */
const LONGEST_SEARCHED = 2000;

const STACK = /\s+at (?:async )?[^\n]*[(/\\:][\s\S]*$/;
const CREDENTIALS = /\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi;
const JSON_WEB_TOKEN = /\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?/g;
const QUERY = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s?#"'<>]*)[?#][^\s"'<>]*/gi;
const USER_INFO = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]*@/gi;
const LONE_QUERY = /(\/[^\s?"'<>]*)\?[^\s"'<>]*=[^\s"'<>]*/g;
const PRIVATE_IPV4 =
  /(?<![\w.])(?:0|10|127)(?:\.\d{1,3}){3}(?::\d+)?(?![\w.]\d)|(?<![\w.])(?:169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))(?:\.\d{1,3}){2}(?::\d+)?/g;
const PRIVATE_IPV6 =
  /(?<![\w:])\[?(?:::1|::ffff:[\d.]+|f[cd][0-9a-f]{2}:[0-9a-f:]*|fe[89ab][0-9a-f]:[0-9a-f:]*)\]?(?::\d+)?(?!\w)/gi;
const LOCAL_NAME = /\blocalhost(?::\d+)?\b/gi;
const UNIX_PATH = /(?<![\w:/.<])~?(?:\/[\w.@+-]+){2,}\/?/g;
const WINDOWS_PATH = /\b[a-z]:\\[^\s"'<>]*/gi;
const CONTROLS = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu;

/** At most 200 characters on one line. */
export function cleanDetail(text: string): string {
  const masked = text
    .slice(0, LONGEST_SEARCHED)
    .replace(STACK, '')
    .replace(CONTROLS, ' ')
    .replace(CREDENTIALS, '$1 [hidden]')
    .replace(JSON_WEB_TOKEN, '[hidden]')
    .replace(USER_INFO, '$1')
    .replace(QUERY, '$1')
    .replace(LONE_QUERY, '$1')
    .replace(PRIVATE_IPV4, '[address]')
    .replace(PRIVATE_IPV6, '[address]')
    .replace(LOCAL_NAME, '[address]')
    .replace(WINDOWS_PATH, '[path]')
    .replace(UNIX_PATH, '[path]');
  return masked.trim().slice(0, LONGEST_DETAIL).toWellFormed();
}
