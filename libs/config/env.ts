import 'reflect-metadata';
import { DURATION_FORM, parseDuration, parseSize, SIZE_FORM } from './quantities.js';

/** Every setting of the product starts with this. */
export const SETTING_PREFIX = 'ISTHMUS_';

/** How the text of a variable is read. `list` is comma separated, `duration` becomes milliseconds, `size` bytes. */
export type SettingKind = 'text' | 'number' | 'boolean' | 'list' | 'duration' | 'size';

export interface SettingOptions {
  /** Needed for `duration` and `size`; the others follow from the type of the property. */
  readonly as?: SettingKind;
  /** Its value never appears in a message. */
  readonly secret?: boolean;
  /** For the manual, where no docstring stands before the decorator. */
  readonly description?: string;
}

export interface Setting extends SettingOptions {
  readonly variable: string;
  readonly property: string;
  readonly kind: SettingKind;
}

export type ConfigClass<T extends object = object> = new () => T;

const settingsByPrototype = new WeakMap<object, Setting[]>();

/**
 * Marks a property of a config class as a setting that is read from an environment variable. The property's
 * initializer is the default, class-validator decorators beside it are its rules, its docstring is its manual.
 */
export function Env(variable: `${typeof SETTING_PREFIX}${string}`, options: SettingOptions = {}) {
  return (prototype: object, property: string): void => {
    const settings = settingsByPrototype.get(prototype) ?? [];
    settings.push({ ...options, variable, property, kind: options.as ?? kindOf(prototype, property) });
    settingsByPrototype.set(prototype, settings);
  };
}

/** The settings of a config class in the order of their declaration. */
export function settingsOf(configClass: ConfigClass): readonly Setting[] {
  return settingsByPrototype.get(configClass.prototype as object) ?? [];
}

function kindOf(prototype: object, property: string): SettingKind {
  const type: unknown = Reflect.getMetadata('design:type', prototype, property);
  if (type === Number) return 'number';
  if (type === Boolean) return 'boolean';
  return type === Array ? 'list' : 'text';
}

/** What was read, or what the text should have been. */
export type Reading = { readonly value: unknown } | { readonly expected: string };

/** Reads the text of a variable as its kind demands. */
export function readSetting(kind: SettingKind, text: string): Reading {
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

const orExpected = (value: number | undefined, expected: string): Reading =>
  value === undefined ? { expected } : { value };
