import type { Type } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, validateSync, type ValidationError } from 'class-validator';
import { didYouMean } from '#lib/config';
import { describeErrors } from '#lib/validation';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { Fault } from './registry.errors.js';
import { hideMarkedValues } from './server-secrets.js';

/** Validates one mapping of the file and returns it as an instance of its class. A null value counts as absent. Undefined: invalid. */
export function readEntry<T extends object>(
  entryClass: new () => T,
  value: JsonValue | undefined,
  path: string,
  faults: Fault[],
): T | undefined {
  if (!isJsonObject(value)) {
    faults.push({ path, message: 'must be a mapping.' });
    return undefined;
  }
  if (setsPrototype(value, path, faults)) return undefined;
  const members = Object.entries(value).filter(([, item]) => item !== null);
  return validateEntry(entryClass, Object.assign(new entryClass(), Object.fromEntries(members)), path, faults);
}

/** Validates an instance of a class. Undefined: invalid. */
export function validateEntry<T extends object>(
  entryClass: new (...args: never[]) => T,
  entry: T,
  path: string,
  faults: Fault[],
): T | undefined {
  const errors = validateSync(entry, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: false });
  const found = errors.flatMap((error) => toFaults(error, entryClass, path));
  // A rule of an extension may have a message that quotes a value.
  const hide = (message: string): string => hideMarkedValues(entryClass, entry, message);
  faults.push(...found.map((fault) => ({ path: fault.path, message: hide(fault.message) })));
  return errors.length === 0 ? entry : undefined;
}

/**
 * Validates a mapping by a class of an extension, whose code runs here: what it throws is a fault of this entry only. The message may
 * quote a credential. Undefined: invalid.
 */
export function readByExtension(
  entryClass: Type<object>,
  value: JsonObject,
  path: string,
  faults: Fault[],
): object | undefined {
  const found: Fault[] = [];
  try {
    const instance = plainToInstance(entryClass, value, { exposeDefaultValues: true });
    const entry = validateEntry(entryClass, instance, path, found);
    faults.push(...found);
    return entry;
  } catch (cause) {
    const thrown = cause instanceof Error ? `a ${cause.name}` : 'something that is no error';
    faults.push({
      path,
      message: `cannot be read: ${entryClass.name} has thrown ${thrown}. Correct the entry, or the class of the extension.`,
    });
    return undefined;
  }
}

/** True for a mapping whose key would replace the prototype of the instance, and with it all rules. Adds the fault. */
export function setsPrototype(value: JsonObject, path: string, faults: Fault[]): boolean {
  if (!Object.hasOwn(value, '__proto__')) return false;
  faults.push({ path: `${path}.__proto__`, message: 'Unknown key.' });
  return true;
}

function toFaults(error: ValidationError, entryClass: new (...args: never[]) => object, path: string): Fault[] {
  const memberPath = `${path}.${error.property}`;
  const constraints = error.constraints ?? {};
  if ('whitelistValidation' in constraints) {
    return [{ path: memberPath, message: `Unknown key.${didYouMean(error.property, memberNamesOf(entryClass))}` }];
  }
  return describeErrors([error], path).map((fault) => ({ path: fault.path, message: `${fault.message}.` }));
}

/** The names of all members of a class that has validation rules. */
export function memberNamesOf(entryClass: new (...args: never[]) => object): Set<string> {
  const rules = getMetadataStorage().getTargetValidationMetadatas(entryClass, '', false, false);
  return new Set(rules.map((rule) => rule.propertyName));
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Removes undefined members, so that an absent key stays absent. */
export const withoutUndefined = <T extends object>(value: T): Present<T> =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Present<T>;
