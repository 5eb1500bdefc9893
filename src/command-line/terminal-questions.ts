import { createInterface, type Interface } from 'node:readline';
import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import { toFormField, type FieldValue, type FormField } from './form-field.js';
import { toTerminalLine } from './terminal-text.js';

type QuestionParams = { readonly [member: string]: unknown };
type Content = Record<string, FieldValue>;
type Action = 'accept' | 'decline' | 'cancel';
type Answer = { action: 'accept'; content: Content } | { action: 'decline' } | { action: 'cancel' };

const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ...['accept', 'a', 'yes', 'y'].map((word) => [word, 'accept'] as const),
  ...['decline', 'd', 'no', 'n'].map((word) => [word, 'decline'] as const),
  ...['cancel', 'c'].map((word) => [word, 'cancel'] as const),
]);

/** Maximum number of lines that wait for their question. Those beyond it are dropped. */
const MAX_EARLY_LINES = 1_000;

/** A stream from which answers are read. From a terminal, only those lines count that are typed after their question. */
type Input = NodeJS.ReadableStream & { readonly isTTY?: boolean };

/**
 * Asks the user the questions of a tool (specification: Elicitation, form mode). An empty line leaves out an optional value
 * or takes its default; the end of input cancels the question. The user confirms each form at its end.
 */
export class TerminalQuestions {
  /** Absent until the first question: it keeps the terminal from turning Ctrl-C into a signal. */
  private terminal: Interface | undefined;
  /** Lines that arrived before their question, from a pipe. */
  private readonly early: string[] = [];
  private waiting: ((line: string | undefined) => void) | undefined;
  private isEnded = false;
  /** Resolves after the last question: a tool may send several at once. */
  private last: Promise<unknown> = Promise.resolve();

  /** `interrupt` is called when the user presses Ctrl-C at a question. */
  constructor(
    private readonly input: Input,
    private readonly output: NodeJS.WritableStream,
    private readonly interrupt: () => void = () => undefined,
  ) {
    // What is typed while no question is open must not wait in the terminal for the next one.
    if (input.isTTY === true) input.on('data', discard);
  }

  answer(question: QuestionParams): Promise<Answer> {
    const answer = this.last.then(() => this.askForm(question));
    this.last = answer.catch(() => undefined);
    return answer;
  }

  /** Cancels the open questions, and those that follow. */
  close(): void {
    this.input.removeListener('data', discard);
    this.input.pause();
    this.early.length = 0;
    this.terminal?.close();
    this.end();
  }

  private async askForm({ message, requestedSchema }: QuestionParams): Promise<Answer> {
    if (typeof message === 'string') this.output.write(`${toTerminalLine(message)}\n`);
    const fields = readForm(toObject(requestedSchema));
    if (typeof fields === 'string') {
      this.output.write(
        `The form has a field that cannot be shown at a terminal, ${fields}: the question is cancelled.\n`,
      );
      return { action: 'cancel' };
    }
    await this.open();
    const content: Content = {};
    for (const [name, field] of fields) {
      const value = await this.askUntilValid(field);
      if (value === 'cancelled') return { action: 'cancel' };
      if (value !== undefined) Object.defineProperty(content, name, { ...PLAIN, value: value.value });
    }
    const action = await this.confirm(fields.size > 0);
    return action === 'accept' ? { action, content } : { action };
  }

  private async askUntilValid(field: FormField) {
    for (;;) {
      const line = await this.ask(`${field.prompt}: `);
      if (line === undefined) return 'cancelled';
      if (line === '' && field.fallback !== undefined) return { value: field.fallback };
      if (line === '' && !field.isRequired) return undefined;
      const value = field.read(line);
      if (value !== undefined) return { value };
      this.output.write(`Expected ${field.expectation}.\n`);
    }
  }

  /** A form without fields asks for consent alone, which an empty line must not give. */
  private async confirm(hasDefault: boolean): Promise<Action> {
    for (;;) {
      const line = await this.ask(`accept, decline or cancel?${hasDefault ? ' [accept]' : ''} `);
      if (line === undefined) return 'cancel';
      const action = line === '' && hasDefault ? 'accept' : ACTIONS.get(line.toLowerCase());
      if (action !== undefined) return action;
      this.output.write('Expected accept, decline or cancel.\n');
    }
  }

  /** Undefined at the end of input. */
  private async ask(prompt: string): Promise<string | undefined> {
    await this.discardEarlyInput();
    if (!this.isEnded) {
      this.terminal?.setPrompt(prompt);
      this.terminal?.prompt();
    }
    const early = this.early.shift();
    if (early !== undefined || this.isEnded) return early?.trim();
    const line = await new Promise<string | undefined>((resolve) => (this.waiting = resolve));
    return line?.trim();
  }

  private async open(): Promise<void> {
    if (this.terminal !== undefined || this.isEnded) return;
    await this.discardEarlyInput();
    this.input.removeListener('data', discard);
    const { input, output } = this;
    this.terminal = createInterface({ input, output, terminal: input.isTTY === true });
    this.terminal.on('line', (line) => this.handleLine(line));
    this.terminal.on('close', () => this.end());
    this.terminal.on('SIGINT', () => this.interrupt());
  }

  /** Reads what a terminal holds already, while no question is open that it could answer. */
  private async discardEarlyInput(): Promise<void> {
    if (this.input.isTTY !== true) return;
    // The second turn of the event loop begins with a complete poll of the input.
    await nextTurn();
    await nextTurn();
  }

  private handleLine(line: string): void {
    if (this.waiting === undefined) {
      if (this.input.isTTY !== true && this.early.length < MAX_EARLY_LINES) this.early.push(line);
      return;
    }
    const { waiting } = this;
    this.waiting = undefined;
    waiting(line);
  }

  private end(): void {
    this.isEnded = true;
    this.waiting?.(undefined);
    this.waiting = undefined;
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const PLAIN = { enumerable: true, configurable: true, writable: true };
const discard = (): void => undefined;
const toObject = (value: unknown): JsonObject => (isJsonObject(value) ? value : {});

/** The fields of a form by their names, or the name of the first one that cannot be shown. */
function readForm({ properties, required }: JsonObject): ReadonlyMap<string, FormField> | string {
  const names: readonly unknown[] = Array.isArray(required) ? required : [];
  const fields = new Map<string, FormField>();
  for (const [name, schema] of Object.entries(toObject(properties))) {
    const field = toFormField(name, toObject(schema), names.includes(name));
    if (field === undefined) return toTerminalLine(name);
    fields.set(name, field);
  }
  return fields;
}
