import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import { LEVELS, type LoggingConfig } from './logging.config.js';

/** Nest's own account of how it starts; of use to those who extend the gateway, not to those who run it. */
const STARTUP_CONTEXTS = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** Logs to the console, as text for a person or as one JSON object a line. */
export class GatewayLogger extends ConsoleLogger {
  constructor({ level, format }: LoggingConfig) {
    const logLevels = LEVELS.slice(0, LEVELS.indexOf(level) + 1);
    // Unlike its type says, it is missing where there is no terminal.
    const { isTTY = false } = process.stdout as { isTTY?: boolean };
    super({ json: format === 'json', colors: format === 'text' && isTTY, logLevels });
  }

  override log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context === 'string' && STARTUP_CONTEXTS.has(context)) this.debug(message, ...rest);
    else super.log(message, ...rest);
  }

  /** What keeps Nest from starting is thrown as well, and told by whoever started it, in words instead of a stack. */
  override error(message: unknown, ...rest: unknown[]): void {
    if (rest.at(-1) === 'ExceptionHandler') this.debug(message, ...rest);
    else super.error(message, ...rest);
  }

  protected override stringifyMessage(message: unknown, logLevel: LogLevel): string {
    return super.stringifyMessage(typeof message === 'string' ? toPrintable(message) : message, logLevel);
  }

  protected override printStackTrace(stack: string | undefined): void {
    if (stack !== undefined) super.printStackTrace(toPrintable(stack));
  }
}

/** All that a terminal, or a reader of lines, could take for something else: controls, and marks that nobody sees. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * Messages quote clients and servers, who must not be able to write lines of their own: what follows a line break is
 * indented, which no line of ours is, and the rest is spelled out.
 */
function toPrintable(text: string): string {
  return text.replace(UNPRINTABLE, (mark) => {
    if (mark === '\n') return '\n    ';
    return mark === '\t' ? mark : `\\u{${mark.codePointAt(0)?.toString(16)}}`;
  });
}
