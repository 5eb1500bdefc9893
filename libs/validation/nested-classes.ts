import { createRequire } from 'node:module';
import type { validationMetadatasToSchemas } from 'class-validator-jsonschema';

type Constructor = new (...args: never[]) => object;
type MetadataStorage = NonNullable<
  NonNullable<Parameters<typeof validationMetadatasToSchemas>[0]>['classTransformerMetadataStorage']
>;

/** What the decorators of class-transformer state, such as `@Type`. The package has no declarations for this file. */
export const { defaultMetadataStorage: transformMetadata } = createRequire(import.meta.url)(
  'class-transformer/cjs/storage.js',
) as { readonly defaultMetadataStorage: MetadataStorage };

/** A member of a class, and the classes of what it holds. */
export interface NestedMember {
  readonly name: string;
  readonly classes: readonly Constructor[];
  /** The member is a map by name, so that a path has one more step. */
  readonly isMap: boolean;
}

/**
 * The member that class-transformer reads from this name, which `@Expose` may state.
 *
 * @throws whatever the function of `@Type` throws
 */
export function findMember(type: Constructor, writtenName: string): NestedMember {
  const name = transformMetadata.findExposeMetadataByCustomName(type, writtenName)?.propertyName ?? writtenName;
  const stated = transformMetadata.findTypeMetadata(type, name) as ReturnType<
    MetadataStorage['findTypeMetadata']
  > | null;
  const declared: unknown = Reflect.getMetadata('design:type', type.prototype as object, name);
  const subTypes = stated?.options.discriminator?.subTypes.map(({ value }) => value as unknown) ?? [];
  const found: unknown[] = stated ? [stated.typeFunction(), ...subTypes] : [declared];
  return { name, classes: found.filter(isConstructor), isMap: declared === Map };
}

const isConstructor = (value: unknown): value is Constructor => typeof value === 'function';
