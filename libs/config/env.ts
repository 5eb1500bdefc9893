import 'reflect-metadata';
import { DURATION_FORM, parseDuration, parseSize, SIZE_FORM } from './quantities.js';

/** Prefix of every setting's name. */
export const SETTING_PREFIX = 'ISTHMUS_';

/** How the text of a variable is parsed. `list` is comma separated, `duration` becomes milliseconds, `size` bytes. */
export type SettingKind = 'text' | 'number' | 'boolean' | 'list' | 'duration' | 'size';

export interface SettingOptions {
  /** Required for `duration` and `size`; other kinds are derived from the default or from the property's type. */
  readonly as?: SettingKind;
  /** The value never appears in a message. */
  readonly secret?: boolean;
  /** Text for the manual when no docstring precedes the decorator. */
  readonly description?: string;
}

interface Declaration extends SettingOptions {
  readonly variable: string;
  readonly property: string;
}

export interface Setting extends Declaration {
  readonly kind: SettingKind;
  /** Value of the property when the variable is not set. */
  readonly defaultValue: unknown;
}

export type ConfigClass<T extends object = object> = new () => T;

const declarations = new WeakMap<object, Declaration[]>();

/**
 * Reads a property of a config class from an environment variable. The property's initializer is the default, its
 * class-validator decorators are the rules, and its docstring is the text of the manual.
 */
export function Env(variable: `${typeof SETTING_PREFIX}${string}`, options: SettingOptions = {}) {
  return (prototype: object, property: string): void => {
    const declared = declarations.get(prototype) ?? [];
    declarations.set(prototype, [...declared, { ...options, variable, property }]);
  };
}

/** Returns the settings of a config class in the order of their declaration. */
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

/** Fallback for properties without a default: compilers agree on the emitted metadata of plain types only. */
function exampleOf(prototype: object, property: string): unknown {
  const type: unknown = Reflect.getMetadata('design:type', prototype, property);
  if (type === Number) return 0;
  if (type === Boolean) return false;
  return type === Array ? [] : '';
}

/** The parsed value, or a description of the expected text. */
export type ParsedSetting = { readonly value: unknown } | { readonly expected: string };

/** Parses the text of a variable according to its kind. */
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
