/** A table as prettier writes it: the first row is its header, and every column is as wide as its widest cell. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const widths = head.map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, at) => (cells[at] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(line)].join('\n');
}

/** Numbers sentences in the order of their first use. */
export class Footnotes {
  private readonly sentences: string[] = [];

  /** The mark of a sentence; equal sentences share one mark. */
  mark(sentence: string): string {
    if (!this.sentences.includes(sentence)) this.sentences.push(sentence);
    return `[^${this.sentences.indexOf(sentence) + 1}]`;
  }

  /** All sentences that have a mark. */
  toString(): string {
    return this.sentences.map((sentence, index) => `[^${index + 1}]: ${sentence}`).join('\n\n');
  }
}
