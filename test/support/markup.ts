/**
 * What an attacker may send as a name, a description, a result or a log message. Rendered as markup or Markdown it would
 * request another host, run a script, open a dialog or leave an attribute; a page that is safe shows exactly this text.
 */
export const MARKUP = `'"><img src=https://evil.example/x onerror=alert(1)> [now](javascript:alert(2))`;

/** The same text inside a string of shown JSON. */
export const MARKUP_IN_JSON = JSON.stringify(MARKUP).slice(1, -1);
