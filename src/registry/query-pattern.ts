import { toPatternForms } from '#lib/mcp-protocol';
import { compileGlob } from '#lib/glob';

/** An expression of a URI template that adds parameters to the query (RFC 6570, 3.2.8 and 3.2.9). */
const QUERY_EXPRESSIONS = /\{[?&][^{}]*\}/g;
const EXPRESSIONS = /\{[^{}]*\}/g;

/**
 * Compiles a pattern or URI template with a query to a comparison in which the order of parameters does not matter: many
 * servers read them by name. The parameters that the pattern names must be present; others may be present only where an
 * expression or a `*` stands in its query. An empty query and a slash before the query count as none.
 *
 * @returns A comparison with decoded forms of URIs; undefined for a pattern without a query.
 */
export function compileQueryPattern(pattern: string): ((decoded: string) => boolean) | undefined {
  const named = pattern.replaceAll(QUERY_EXPRESSIONS, '');
  const text = named.replaceAll(EXPRESSIONS, '*');
  if (named === pattern && !text.includes('?')) return undefined;
  const forms = toPatternForms(text).decoded.map((form) => {
    const { path, parameters } = splitQuery(form);
    const allowsOthers = named !== pattern || parameters.some((parameter) => parameter.includes('*'));
    return { matchesPath: compileGlob(path), parameters: parameters.map(compileGlob), allowsOthers };
  });
  return (decoded) => {
    const uri = splitQuery(decoded);
    return forms.some(
      ({ matchesPath, parameters, allowsOthers }) =>
        matchesPath(uri.path) &&
        parameters.every((matches) => uri.parameters.some(matches)) &&
        (allowsOthers || uri.parameters.every((parameter) => parameters.some((matches) => matches(parameter)))),
    );
  };
}

function splitQuery(uri: string): { readonly path: string; readonly parameters: readonly string[] } {
  const [text = ''] = uri.split('#', 1);
  const start = text.indexOf('?');
  const path = start < 0 ? text : text.slice(0, start);
  const query = start < 0 ? '' : text.slice(start + 1).replaceAll('+', ' ');
  const parameters = query.split('&').filter((parameter) => parameter !== '');
  return { path: path.endsWith('/') && !path.endsWith('//') ? path.slice(0, -1) : path, parameters };
}
