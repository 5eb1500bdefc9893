import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import { SystemClock, type Clock } from '#lib/time';
import { BatchedLines } from './batched-lines.js';
import { LineBudgets, type BoundedLevel } from './line-budgets.js';
import { LEVELS, type LoggingConfig } from './logging.config.js';
import { StructuredLine } from './structured-line.js';

/** Nest's own account of how it starts; of use to those who extend the gateway, not to those who run it. */
const STARTUP_CONTEXTS = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
  'NestMicroservice',
]);

/** Their lines are records themselves: the audit log bounds how many there are, and a call has exactly one. */
const UNBOUNDED_CONTEXTS = new Set(['Audit', 'Calls']);

/** A start that logs more lines than this prints them before its greeting. */
const MAX_HELD_LINES = 1_000;

/** Lines of these levels may be printed later than they are logged. */
type DelayableLevel = 'warn' | 'log' | 'debug' | 'verbose';

type JsonLine = Parameters<ConsoleLogger['getJsonLogObject']>;

/** Logs to the console, as readable text or as one JSON object per line. */
export class GatewayLogger extends ConsoleLogger {
  private held: (() => void)[] | undefined;
  private holdsWarnings = false;

  private readonly isJson: boolean;
  private readonly budgets: LineBudgets;
  /** Lines of calls, in JSON. */
  private readonly batch: BatchedLines;

  constructor(
    { level, format }: LoggingConfig,
    private readonly clock: Clock = new SystemClock(),
  ) {
    const logLevels = LEVELS.slice(0, LEVELS.indexOf(level) + 1);
    // Contrary to its type, isTTY is undefined when stdout is not a terminal.
    const { isTTY = false } = process.stdout as { isTTY?: boolean };
    const isText = format === 'text' || (format === 'auto' && isTTY);
    super({ json: !isText, colors: isText && isTTY, logLevels });
    this.isJson = !isText;
    const report = (severity: BoundedLevel, subject: string, dropped: number) =>
      super[severity](`Left out ${dropped} more lines of the last 10 seconds.`, subject);
    this.budgets = new LineBudgets(report, clock);
    this.batch = new BatchedLines((text) => process.stdout.write(text), clock);
  }

  /**
   * Holds lines back until `release`, so that a start prints its greeting first. Warnings and errors are printed at once:
   * they may be the reason why the greeting does not come.
   */
  hold(): void {
    this.held ??= [];
  }

  /** Holds warnings too: while the greeting waits for servers that are starting, its own requests cause some. */
  holdWarnings(): void {
    this.hold();
    this.holdsWarnings = true;
  }

  release(): void {
    this.holdsWarnings = false;
    const held = this.held ?? [];
    this.held = undefined;
    for (const print of held) print();
  }

  /** Writes the lines of calls that wait for others. */
  flush(): void {
    this.batch.flush();
  }

  override log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context === 'string' && STARTUP_CONTEXTS.has(context)) this.debug(message, ...rest);
    else if (this.admits('log', context)) this.printOrHold('log', message, rest);
  }

  override debug(message: unknown, ...rest: unknown[]): void {
    this.printOrHold('debug', message, rest);
  }

  override verbose(message: unknown, ...rest: unknown[]): void {
    this.printOrHold('verbose', message, rest);
  }

  override warn(message: unknown, ...rest: unknown[]): void {
    if (!this.admits('warn', rest.at(-1))) return;
    if (this.holdsWarnings) this.printOrHold('warn', message, rest);
    else this.print('warn', message, rest);
  }

  /** Nest also throws an error that prevents its start; main reports that error as a message without a stack. */
  override error(message: unknown, ...rest: unknown[]): void {
    if (rest.at(-1) === 'ExceptionHandler') this.debug(message, ...rest);
    else if (this.admits('error', rest.at(-1))) super.error(message, ...rest);
  }

  /** A line without a context belongs to none of the gateway's loggers. */
  private admits(level: BoundedLevel, context: unknown): boolean {
    if (typeof context !== 'string' || UNBOUNDED_CONTEXTS.has(context)) return true;
    return !this.isLevelEnabled(level) || this.budgets.admit(level, context);
  }

  private printOrHold(level: DelayableLevel, message: unknown, rest: readonly unknown[]): void {
    if (this.held === undefined) return this.print(level, message, rest);
    if (this.held.push(() => this.print(level, message, rest)) > MAX_HELD_LINES) this.release();
  }

  private print(level: DelayableLevel, message: unknown, rest: readonly unknown[]): void {
    if (this.isJson && message instanceof StructuredLine) this.pushLine(level, message, rest.at(-1));
    else super[level](message, ...rest);
  }

  /** Lines of calls wait for each other. What the console logger does for messages of any kind would double their cost. */
  private pushLine(level: DelayableLevel, line: StructuredLine, context: unknown): void {
    if (!this.isLevelEnabled(level)) return;
    const head = `{"level":"${level}","pid":${process.pid},"timestamp":${this.clock.now()},"context":${JSON.stringify(context)}`;
    this.batch.push(`${head},${JSON.stringify(line.toFields()).slice(1)}\n`);
  }

  protected override stringifyMessage(message: unknown, logLevel: LogLevel): string {
    const text = message instanceof StructuredLine ? message.toText() : message;
    return super.stringifyMessage(typeof text === 'string' ? toPrintable(text) : text, logLevel);
  }

  /** Every line that does not wait is written after those that do. */
  protected override printAsJson(...[message, options]: JsonLine): void {
    this.flush();
    super.printAsJson(message, options);
  }

  protected override getJsonLogObject(...[message, options]: JsonLine): ReturnType<ConsoleLogger['getJsonLogObject']> {
    if (!(message instanceof StructuredLine)) return super.getJsonLogObject(message, options);
    const { message: text, ...fields } = message.toFields();
    return { ...fields, ...super.getJsonLogObject(text, options) };
  }

  protected override printStackTrace(stack: string | undefined): void {
    if (stack !== undefined) super.printStackTrace(toPrintable(stack));
  }
}

/** Characters that a terminal or a line-based reader could misinterpret: control, format and separator characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * Messages quote clients and servers, which must not be able to forge log lines: text after a line break is indented,
 * which no line of the gateway is, and other unprintable characters are escaped.
 */
function toPrintable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    if (character === '\n') return '\n    ';
    return character === '\t' ? character : `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}
