const TEMPLATE_EXPRESSION = /\{[^{}]*\}/;

/** The texts between the expressions of a URI template. */
export type TemplateLiterals = readonly string[];

/** Splits a template once, because it is compared with many URIs. */
export const splitTemplate = (template: string): TemplateLiterals => template.split(TEMPLATE_EXPRESSION);

/**
 * Returns whether a template could produce a URI (RFC 6570). Each expression matches any text, so a disabled template cannot be
 * bypassed by values that a strict expansion would encode differently.
 */
export function couldMatchTemplate(literals: TemplateLiterals, uri: string): boolean {
  const first = literals[0] ?? '';
  const end = literals.length - 1;
  const last = literals[end] ?? '';
  if (end < 1) return uri === first;
  if (!uri.startsWith(first)) return false;
  let at = first.length;
  for (let index = 1; index < end; index += 1) {
    const literal = literals[index] ?? '';
    const found = uri.indexOf(literal, at);
    if (found < 0) return false;
    at = found + literal.length;
  }
  return uri.length - last.length >= at && uri.endsWith(last);
}
