import type { Type } from '@nestjs/common';
import { getMetadataStorage, ValidationTypes } from 'class-validator';
import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { transformMetadata } from '#lib/validation';

interface ConverterOptions {
  readonly refPointerPrefix: string;
}
type Schema = Readonly<Record<string, unknown>>;

const PRIMITIVES: ReadonlyMap<unknown, Schema> = new Map<unknown, Schema>([
  [String, { type: 'string' }],
  [Number, { type: 'number' }],
  [Boolean, { type: 'boolean' }],
]);
/** What the compiler records for members whose declared type has no class. They may have any value. */
const WITHOUT_CLASS: ReadonlySet<unknown> = new Set([undefined, Object, Array]);

const names = new Map<unknown, string>();
const taken = new Set<string>();

/** All classes with rules of class-validator, in the order in which they were loaded. */
export function classesWithRules(): readonly Type<object>[] {
  const { validationMetadatas } = getMetadataStorage() as unknown as {
    readonly validationMetadatas: Map<unknown, unknown>;
  };
  return [...validationMetadatas.keys()].filter((target) => typeof target === 'function') as Type<object>[];
}

/**
 * The name of the schema of a class: that of the class. Two extensions may name their classes alike, or like one of the
 * gateway: the class that was loaded first has the name, and the others have it with a number.
 */
export function schemaNameOf(type: Type<object>): string {
  if (!names.has(type)) for (const each of classesWithRules()) nameOnce(each);
  return nameOnce(type);
}

function nameOnce(type: Type<object>): string {
  const known = names.get(type);
  if (known !== undefined) return known;
  let name = type.name;
  for (let number = 2; taken.has(name); number += 1) name = `${type.name}${number}`;
  taken.add(name);
  names.set(type, name);
  return name;
}

/** How class-validator-jsonschema describes members that hold objects of a class. On its own it refers to the name of the class. */
export const CONVERTERS = {
  [ValidationTypes.NESTED_VALIDATION]: ({ target, propertyName }: ValidationMetadata, options: ConverterOptions) => {
    const declared = typeof target === 'function' && transformMetadata.findTypeMetadata(target, propertyName);
    return referenceTo(declared ? declared.typeFunction() : recordedType(target, propertyName), options);
  },
  [ValidationTypes.CUSTOM_VALIDATION]: ({ target, propertyName }: ValidationMetadata, options: ConverterOptions) =>
    referenceTo(recordedType(target, propertyName), options),
};

function referenceTo(type: unknown, { refPointerPrefix }: ConverterOptions): Schema {
  if (WITHOUT_CLASS.has(type)) return {};
  return PRIMITIVES.get(type) ?? { $ref: refPointerPrefix + schemaNameOf(type as Type<object>) };
}

const recordedType = (target: unknown, property: string): unknown =>
  typeof target === 'function' ? Reflect.getMetadata('design:type', target.prototype as object, property) : undefined;
