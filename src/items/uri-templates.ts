const TEMPLATE_EXPRESSION = /\{[^{}]*\}/;

/**
 * Whether a URI may have been made from a template (RFC 6570). Each expression stands for any text: what is switched off
 * must not be reached by a value that the template would not have written so.
 */
export function couldMatchTemplate(template: string, uri: string): boolean {
  const [first = '', ...others] = template.split(TEMPLATE_EXPRESSION);
  const last = others.pop();
  if (last === undefined) return uri === first;
  if (!uri.startsWith(first)) return false;
  let at = first.length;
  for (const literal of others) {
    const found = uri.indexOf(literal, at);
    if (found < 0) return false;
    at = found + literal.length;
  }
  return uri.length - last.length >= at && uri.endsWith(last);
}
