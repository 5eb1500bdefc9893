const SPACE = 0x20;
const TAB = 0x09;

/**
 * Removes the optional whitespace around a header value: spaces and tabs (RFC 9110, 5.6.3). `String.trim` also removes
 * characters that belong to the value, such as a no-break space, so a proxy and the gateway would read different values.
 */
export function trimOptionalWhitespace(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isOptionalWhitespace(value.charCodeAt(start))) start++;
  while (end > start && isOptionalWhitespace(value.charCodeAt(end - 1))) end--;
  return start === 0 && end === value.length ? value : value.slice(start, end);
}

const isOptionalWhitespace = (code: number): boolean => code === SPACE || code === TAB;
