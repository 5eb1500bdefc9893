import { JSONSchema } from 'class-validator-jsonschema';
import { findMember, type NestedMember } from '#lib/validation';

/** Shared by all copies of the kit, like the metadata of contributions. */
const METADATA = 'isthmus:secrets';

type EntryClass = new (...args: never[]) => object;

/**
 * Marks a member that holds a credential: of the entry class of an adapter, of the options class of a check, or of a class that one of
 * them contains (`@Type`). The database stores it encrypted, the admin API and exports show it as `[kept]`, no message contains it, and
 * it may refer to a named secret as `${secret:name}`.
 *
 * @example `@Secret() @IsOptional() @IsString() readonly apiKey?: string;`
 */
export const Secret = (): PropertyDecorator => (prototype, member) => {
  Reflect.defineMetadata(METADATA, [...marked(prototype), String(member)], prototype);
  JSONSchema({ writeOnly: true })(prototype, String(member));
};

/** True for the path of a value in an entry, from its first member on, that the class or one that it contains marks as a credential. */
export function isSecretPath(entry: EntryClass, path: readonly string[]): boolean {
  const [step, ...rest] = path;
  if (step === undefined) return false;
  const member = tryToFindMember(entry, step);
  // The class of what the member holds is unknown, and may mark anything.
  if (member === undefined || marked(entry.prototype as object).includes(member.name)) return true;
  const inner = member.isMap ? rest.slice(1) : rest.slice(countIndexes(rest));
  return member.classes.some((type) => isSecretPath(type, inner));
}

/** The values in an entry that its class or one that it contains marks as credentials. */
export function secretValuesOf(entry: EntryClass, value: object, path: readonly string[] = []): readonly unknown[] {
  const members: [string, unknown][] = value instanceof Map ? [...value].map(toNamed) : Object.entries(value);
  return members.flatMap(([name, each]) => {
    const at = [...path, name];
    if (isSecretPath(entry, at)) return [each];
    return typeof each === 'object' && each !== null ? secretValuesOf(entry, each, at) : [];
  });
}

const toNamed = ([name, value]: readonly [unknown, unknown]): [string, unknown] => [String(name), value];

/** The function of `@Type` is code of an extension. */
function tryToFindMember(entry: EntryClass, step: string): NestedMember | undefined {
  try {
    return findMember(entry, step);
  } catch {
    return undefined;
  }
}

/** The number of positions in arrays with which a path begins. */
function countIndexes(path: readonly string[]): number {
  const end = path.findIndex((step) => !/^\d+$/.test(step));
  return end < 0 ? path.length : end;
}

const marked = (prototype: object): readonly string[] =>
  (Reflect.getMetadata(METADATA, prototype) as readonly string[] | undefined) ?? [];
