/**
 * Compiles a pattern in which `*` matches any run of characters. It uses no regular expression, which would take quadratic
 * time: names come from clients and may be as long as a request body.
 */
export function compileGlob(pattern: string): (name: string) => boolean {
  const [head = '', ...middle] = pattern.split('*');
  const tail = middle.pop();
  if (tail === undefined) return (name) => name === pattern;
  return (name) => {
    if (!name.startsWith(head)) return false;
    let end = head.length;
    for (const part of middle) {
      const start = name.indexOf(part, end);
      if (start < 0) return false;
      end = start + part.length;
    }
    return name.length - end >= tail.length && name.endsWith(tail);
  };
}

/** Compiles patterns to a comparison that is true for a name that any of them matches. */
export function compileGlobs(patterns: readonly string[]): (name: string) => boolean {
  const globs = patterns.map(compileGlob);
  return (name) => globs.some((matches) => matches(name));
}
