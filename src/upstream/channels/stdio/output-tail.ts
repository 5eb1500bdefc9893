/** Maximum number of lines that are kept. */
const MAX_LINES = 10;
/** Maximum number of characters of a kept line. */
const MAX_LINE_CHARACTERS = 300;

// Control and format characters could change what an operator's terminal shows.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu;
/** The colours of a terminal. */
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, 'g');

/** The last lines that a process printed, for the explanation of its end. */
export class OutputTail {
  private readonly lines: string[] = [];

  /** @param text without secrets */
  add(text: string): void {
    const printable = text
      .slice(0, 2 * MAX_LINE_CHARACTERS)
      .replace(COLOURS, '')
      .replace(UNPRINTABLE, ' ');
    const line = printable.trim().slice(0, MAX_LINE_CHARACTERS);
    if (line === '') return;
    this.lines.push(line);
    if (this.lines.length > MAX_LINES) this.lines.shift();
  }

  /** Undefined when nothing was printed. */
  get text(): string | undefined {
    return this.lines.length === 0 ? undefined : this.lines.join(' | ');
  }
}
