import { getMetadataStorage, validateSync, type ValidationError } from 'class-validator';
import { didYouMean } from '#lib/config';
import { isJsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { Fault } from './registry.errors.js';

/** Reads one mapping of the file as an instance of its class; an empty value counts as absent. Undefined: at fault. */
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
  const written = Object.entries(value).filter(([, item]) => item !== null);
  const entry = Object.assign(new entryClass(), Object.fromEntries(written));
  const errors = validateSync(entry, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: false });
  faults.push(...errors.flatMap((error) => faultsOf(error, entryClass, path)));
  return errors.length === 0 ? entry : undefined;
}

function faultsOf(error: ValidationError, entryClass: new () => object, path: string): Fault[] {
  const place = `${path}.${error.property}`;
  const constraints = error.constraints ?? {};
  if ('whitelistValidation' in constraints) {
    return [{ path: place, message: `There is no such key.${didYouMean(error.property, keysOf(entryClass))}` }];
  }
  if (error.value === undefined) return [{ path: place, message: 'is missing.' }];
  return Object.values(constraints).map((message) => ({
    path: place,
    message: `${message.replace(`${error.property} `, '')}.`,
  }));
}

function keysOf(entryClass: new () => object): Set<string> {
  const rules = getMetadataStorage().getTargetValidationMetadatas(entryClass, '', false, false);
  return new Set(rules.map((rule) => rule.propertyName));
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is undefined, so that an absent key is absent. */
export const withoutUndefined = <T extends object>(value: T): Present<T> =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Present<T>;
