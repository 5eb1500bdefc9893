const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Whether a header or a cookie can have the name (RFC 9110, 5.6.2; RFC 6265, 4.1.1). */
export const isToken = (name: string): boolean => TOKEN.test(name);

/** Whether a header can have the value: Latin-1 without control characters (RFC 9110, 5.5). */
export const isHeaderValue = (value: string): boolean => VALUE.test(value);
