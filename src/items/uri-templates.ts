const TEMPLATE_EXPRESSION = /\{[^{}]*\}/;

/**
 * Returns whether a template could produce a URI (RFC 6570). Each expression matches any text, so a disabled template cannot be
 * bypassed by values that a strict expansion would encode differently.
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
