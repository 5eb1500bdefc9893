/**
 * A test for names: `*` stands for any run of characters. Written without a regular expression, which would take time
 * that grows with the square of a name; names come from clients, and may be as long as a body.
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
