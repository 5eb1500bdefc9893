import { getMetadataStorage, validateSync, type ValidationError } from 'class-validator';
import { didYouMean } from '#lib/config';
import { describeErrors } from '#lib/validation';
import { isJsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { Fault } from './registry.errors.js';

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
  const members = Object.entries(value).filter(([, item]) => item !== null);
  const entry = Object.assign(new entryClass(), Object.fromEntries(members));
  const errors = validateSync(entry, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: false });
  faults.push(...errors.flatMap((error) => toFaults(error, entryClass, path)));
  return errors.length === 0 ? entry : undefined;
}

function toFaults(error: ValidationError, entryClass: new () => object, path: string): Fault[] {
  const memberPath = `${path}.${error.property}`;
  const constraints = error.constraints ?? {};
  if ('whitelistValidation' in constraints) {
    return [{ path: memberPath, message: `Unknown key.${didYouMean(error.property, keysOf(entryClass))}` }];
  }
  return describeErrors([error], path).map((fault) => ({ path: fault.path, message: `${fault.message}.` }));
}

function keysOf(entryClass: new () => object): Set<string> {
  const rules = getMetadataStorage().getTargetValidationMetadatas(entryClass, '', false, false);
  return new Set(rules.map((rule) => rule.propertyName));
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Removes undefined members, so that an absent key stays absent. */
export const withoutUndefined = <T extends object>(value: T): Present<T> =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Present<T>;
