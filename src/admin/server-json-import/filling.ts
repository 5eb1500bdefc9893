import type { Input, TemplateInput } from './server-json.js';
import { joinSegments, splitTemplate, type Segment } from './template-text.js';

/** Where a value of the caller goes. */
export type InputUse = 'argument' | 'environment' | 'header' | 'url';

/** What the operator who sets the server up may or must give. */
export interface AskedInput {
  /** The place in the document, by which the caller gives the value. */
  readonly input: string;
  readonly name: string;
  readonly use: InputUse;
  readonly isRequired: boolean;
  readonly isSecret: boolean;
  readonly isRepeated: boolean;
  /** Required, and without a value so far. */
  readonly isMissing: boolean;
  readonly description?: string;
  readonly default?: string;
  readonly placeholder?: string;
  readonly format?: string;
  readonly choices?: readonly string[];
}

interface Usage {
  readonly name: string;
  readonly use: InputUse;
  readonly isRepeated?: boolean;
}

/** Maximum number of characters of all values together: templates can multiply them. */
const MAX_LENGTH = 1_048_576;

/** Values for the inputs of one package or remote: those that the caller has given, or else the defaults. */
export class Filling {
  readonly asked: AskedInput[] = [];
  readonly faults: string[] = [];
  private length = 0;

  /** `given`: values by the places of their inputs. No value at all: the default is not wanted. */
  constructor(private readonly given: ReadonlyMap<string, readonly string[]>) {}

  /** Returns the values of an input, several only if it is repeated; none when it is left out. */
  valuesOf(input: TemplateInput, usage: Usage): readonly string[] {
    const { value, variables } = input;
    if (value === undefined) return this.ask(input, usage).map((segment) => this.join([segment]));
    const parts = splitTemplate(value, (name) => variables.has(name));
    const values = new Map<string, readonly Segment[]>();
    for (const part of parts) {
      const variable = 'variable' in part && !values.has(part.variable) ? variables.get(part.variable) : undefined;
      if (!variable || !('variable' in part)) continue;
      const isRequired = variable.isRequired || (input.isRequired && variable.default === undefined);
      values.set(part.variable, this.ask({ ...variable, isRequired }, { ...usage, name: part.variable }));
    }
    const count = Math.max(1, ...[...values.values()].map((each) => each.length));
    return Array.from({ length: count }).flatMap((_each, index) => {
      const segments = parts.map((part) =>
        'literal' in part ? { text: part.literal, isGiven: false } : values.get(part.variable)?.[index],
      );
      return segments.every((segment) => segment !== undefined) ? [this.join(segments)] : [];
    });
  }

  /** Fills the variables of a URL. Those without a value stay. Values in its query are encoded. */
  urlOf(url: string, at: string, variables: ReadonlyMap<string, Input>): string {
    let isQuery = false;
    const values = new Map<string, Segment | undefined>();
    const segments = splitTemplate(url, () => true).map((part): Segment => {
      if ('literal' in part) {
        isQuery ||= part.literal.includes('?');
        return { text: part.literal, isGiven: false };
      }
      const name = part.variable;
      if (!values.has(name)) {
        const undeclared = { at: `${at}.variables.${name}`, isRequired: true, isSecret: false };
        values.set(name, this.ask({ ...(variables.get(name) ?? undeclared) }, { name, use: 'url' })[0]);
      }
      const segment = values.get(name) ?? { text: `{${name}}`, isGiven: false };
      const isReference = segment.isGiven && /^\$\{secret:[^}]*\}$/.test(segment.text);
      return isQuery && values.get(name) && !isReference
        ? { ...segment, text: encodeURIComponent(segment.text.toWellFormed()) }
        : segment;
    });
    return this.join(segments);
  }

  /** Reports given values that nothing has asked for, and values that templates have multiplied. Call it last. */
  finish(): readonly string[] {
    const known = new Set(this.asked.map(({ input }) => input));
    const unknown = [...this.given.keys()].filter((input) => !known.has(input));
    const faults = unknown.map((input) => `inputs.${input} is no input of the chosen package or remote`);
    const excess = this.length > MAX_LENGTH ? [`inputs make the entry longer than ${MAX_LENGTH} characters`] : [];
    return [...this.faults, ...faults, ...excess];
  }

  private ask(input: Input, { name, use, isRepeated = false }: Usage): readonly Segment[] {
    if (input.value !== undefined) return [{ text: input.value, isGiven: false }];
    const given = this.given.get(input.at)?.filter((text) => text !== '');
    const chosen = given ?? (input.default === undefined || input.default === '' ? [] : [input.default]);
    this.check(input, given ?? [], isRepeated);
    const { at, isRequired, isSecret, value: _value, ...rest } = input;
    const { description, default: fallback, placeholder, format, choices } = rest;
    const asked: AskedInput = {
      input: at,
      name,
      use,
      isRequired,
      isSecret,
      isRepeated,
      isMissing: isRequired && chosen.length === 0,
      ...(description !== undefined && { description }),
      ...(fallback !== undefined && { default: fallback }),
      ...(placeholder !== undefined && { placeholder }),
      ...(format !== undefined && { format }),
      ...(choices !== undefined && { choices }),
    };
    this.asked.push(asked);
    // A default stays a text of the document when the caller sends it back.
    return chosen.map((text) => ({ text, isGiven: given !== undefined && text !== fallback }));
  }

  private check({ at, choices, format }: Input, given: readonly string[], isRepeated: boolean): void {
    const fault = (message: string): void => void this.faults.push(`inputs.${at} ${message}`);
    if (given.length > 1 && !isRepeated) fault('must be one value');
    if (choices && !given.every((text) => choices.includes(text))) fault('must be one of the choices of the document');
    if (format === 'number' && !given.every((text) => Number.isFinite(Number(text)))) fault('must be a number');
    if (format === 'boolean' && !given.every((text) => /^(?:true|false)$/.test(text))) fault('must be true or false');
  }

  private join(segments: readonly Segment[]): string {
    this.length += segments.reduce((sum, { text }) => sum + text.length, 0);
    return this.length > MAX_LENGTH ? '' : joinSegments(segments);
  }
}
