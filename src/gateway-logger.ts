import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import { LEVELS, type LoggingConfig } from './logging.config.js';

/** Nest's own account of how it starts; of use to those who extend the gateway, not to those who run it. */
const ASSEMBLY = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
  'NestMicroservice',
]);

/** A start that logs more than this has something to say, greeting or not. */
const MAX_HELD_LINES = 1_000;

/** Logs to the console, as text for a person or as one JSON object a line. */
export class GatewayLogger extends ConsoleLogger {
  private held: (() => void)[] | undefined;

  constructor({ level, format }: LoggingConfig) {
    const logLevels = LEVELS.slice(0, LEVELS.indexOf(level) + 1);
    // Unlike its type says, it is missing where there is no terminal.
    const { isTTY = false } = process.stdout as { isTTY?: boolean };
    super({ json: format === 'json', colors: format === 'text' && isTTY, logLevels });
  }

  /**
   * Holds lines back until `release`, so that a start prints its greeting first. Warnings and errors are printed at once:
   * they may be the reason why the greeting does not come.
   */
  hold(): void {
    this.held ??= [];
  }

  release(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const print of held) print();
  }

  override log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context === 'string' && ASSEMBLY.has(context)) this.debug(message, ...rest);
    else this.printOrHold(() => super.log(message, ...rest));
  }

  override debug(message: unknown, ...rest: unknown[]): void {
    this.printOrHold(() => super.debug(message, ...rest));
  }

  override verbose(message: unknown, ...rest: unknown[]): void {
    this.printOrHold(() => super.verbose(message, ...rest));
  }

  /** What keeps Nest from starting is thrown as well, and told by whoever started it, in words instead of a stack. */
  override error(message: unknown, ...rest: unknown[]): void {
    if (rest.at(-1) === 'ExceptionHandler') this.debug(message, ...rest);
    else super.error(message, ...rest);
  }

  private printOrHold(print: () => void): void {
    if (this.held === undefined) return print();
    if (this.held.push(print) > MAX_HELD_LINES) this.release();
  }

  protected override stringifyMessage(message: unknown, logLevel: LogLevel): string {
    return super.stringifyMessage(typeof message === 'string' ? printable(message) : message, logLevel);
  }

  protected override printStackTrace(stack: string | undefined): void {
    if (stack !== undefined) super.printStackTrace(printable(stack));
  }
}

/** All that a terminal, or a reader of lines, could take for something else: controls, and marks that nobody sees. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * Messages quote clients and servers, who must not be able to write lines of their own: what follows a line break is
 * indented, which no line of ours is, and the rest is spelled out.
 */
function printable(text: string): string {
  return text.replace(UNPRINTABLE, (mark) => {
    if (mark === '\n') return '\n    ';
    return mark === '\t' ? mark : `\\u{${mark.codePointAt(0)?.toString(16)}}`;
  });
}
