import { toPatternForms } from '#lib/mcp-protocol';
import { compileGlobs } from '#lib/glob';

/** Compares the forms of a URI with patterns in which `*` matches any run of characters. */
interface UriPatterns {
  /** True when a pattern matches a canonical or normal form. */
  readonly matchesText: (text: string) => boolean;
  /** True when a pattern matches a decoded form or an alias. */
  readonly matchesDecoded: (text: string) => boolean;
}

/** Compiles patterns of the URIs that a server uses. */
export function compileUriPatterns(patterns: readonly string[]): UriPatterns {
  return compileForms(patterns.map(toPatternForms));
}

/** Compiles patterns of public URIs (`slug+uri`), to compare with texts that begin with the slug and `+`. */
export function compilePublicUriPatterns(patterns: readonly string[]): UriPatterns {
  return compileForms(
    patterns.map((pattern) => {
      const prefix = pattern.slice(0, pattern.indexOf('+') + 1);
      const { texts, decoded } = toPatternForms(pattern.slice(prefix.length));
      const addPrefix = (form: string) => prefix + form;
      return { texts: texts.map(addPrefix), decoded: decoded.map(addPrefix) };
    }),
  );
}

function compileForms(forms: readonly ReturnType<typeof toPatternForms>[]): UriPatterns {
  return {
    matchesText: toMatcher(forms.flatMap(({ texts }) => texts)),
    matchesDecoded: toMatcher(forms.flatMap(({ decoded }) => decoded)),
  };
}

/** Forms of different patterns are often the same. */
const toMatcher = (patterns: readonly string[]): ((text: string) => boolean) => compileGlobs([...new Set(patterns)]);
