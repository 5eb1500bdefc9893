import 'reflect-metadata';
import { DURATION_FORM, parseDuration, parseSize, SIZE_FORM } from './quantities.js';

/** Every setting of the product starts with this. */
export const SETTING_PREFIX = 'ISTHMUS_';

/** How the text of a variable is read. `list` is comma separated, `duration` becomes milliseconds, `size` bytes. */
export type SettingKind = 'text' | 'number' | 'boolean' | 'list' | 'duration' | 'size';

export interface SettingOptions {
  /** Needed for `duration` and `size`; the others follow from the default, or from the type of the property. */
  readonly as?: SettingKind;
  /** Its value never appears in a message. */
  readonly secret?: boolean;
  /** For the manual, where no docstring stands before the decorator. */
  readonly description?: string;
}

interface Declaration extends SettingOptions {
  readonly variable: string;
  readonly property: string;
}

export interface Setting extends Declaration {
  readonly kind: SettingKind;
  /** What holds when the variable is not set. */
  readonly defaultValue: unknown;
}

export type ConfigClass<T extends object = object> = new () => T;

const declarations = new WeakMap<object, Declaration[]>();

/**
 * Marks a property of a config class as a setting that is read from an environment variable. The property's
 * initializer is the default, class-validator decorators beside it are its rules, its docstring is its manual.
 */
export function Env(variable: `${typeof SETTING_PREFIX}${string}`, options: SettingOptions = {}) {
  return (prototype: object, property: string): void => {
    const declared = declarations.get(prototype) ?? [];
    declarations.set(prototype, [...declared, { ...options, variable, property }]);
  };
}

/** The settings of a config class in the order of their declaration. */
export function settingsOf(configClass: ConfigClass): readonly Setting[] {
  const prototype = configClass.prototype as object;
  const defaults = new configClass();
  return (declarations.get(prototype) ?? []).map((declared) => {
    const defaultValue: unknown = Reflect.get(defaults, declared.property);
    const kind = declared.as ?? kindOf(defaultValue ?? exampleOf(prototype, declared.property));
    return { ...declared, kind, defaultValue };
  });
}

function kindOf(example: unknown): SettingKind {
  if (Array.isArray(example)) return 'list';
  if (typeof example === 'number') return 'number';
  return typeof example === 'boolean' ? 'boolean' : 'text';
}

/** Compilers agree on the metadata of plain types only, which is why a default tells more. */
function exampleOf(prototype: object, property: string): unknown {
  const type: unknown = Reflect.getMetadata('design:type', prototype, property);
  if (type === Number) return 0;
  if (type === Boolean) return false;
  return type === Array ? [] : '';
}

/** What was read, or what the text should have been. */
export type ParsedSetting = { readonly value: unknown } | { readonly expected: string };

/** Reads the text of a variable as its kind demands. */
export function parseSetting(kind: SettingKind, text: string): ParsedSetting {
  switch (kind) {
    case 'text':
      return { value: text };
    case 'list':
      return { value: text.split(',').flatMap((item) => item.trim() || []) };
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(text) ? { value: Number(text) } : { expected: 'a number' };
    case 'boolean':
      return /^(true|false)$/.test(text) ? { value: text === 'true' } : { expected: 'true or false' };
    case 'duration':
      return orExpected(parseDuration(text), DURATION_FORM);
    case 'size':
      return orExpected(parseSize(text), SIZE_FORM);
  }
}

const orExpected = (value: number | undefined, expected: string): ParsedSetting =>
  value === undefined ? { expected } : { value };
