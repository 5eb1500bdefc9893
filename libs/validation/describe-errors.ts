import { getMetadataStorage, type ValidationError } from 'class-validator';

/** A broken rule: `path` is that of the member, such as `items[0].server`, and `message` says what it must be. */
export interface ValidationFault {
  readonly path: string;
  readonly message: string;
  /** Absent when the message is about a member that the class does not know. */
  readonly knownMembers?: ReadonlySet<string>;
}

interface Rule {
  readonly name?: string;
  readonly type: string;
  readonly constraints?: readonly unknown[];
  readonly message?: unknown;
  readonly each?: boolean;
}

/** Rules about the type of a value: when one of them is broken, the others only repeat it. */
const TYPE_RULES: ReadonlySet<string> = new Set([
  'isString',
  'isInt',
  'isBoolean',
  'isObject',
  'isArray',
  'isDate',
  'isIn',
  'matches',
  'nestedValidation',
]);

type Describe = (constraints: readonly unknown[]) => string;

const counted = (count: unknown, noun: string): string => `${String(count)} ${noun}${count === 1 ? '' : 's'}`;

/** What a value must be, by the name of the rule. */
const RULES: Readonly<Record<string, Describe>> = {
  isString: () => 'must be a string',
  isNotEmpty: () => 'must not be empty',
  arrayNotEmpty: () => 'must not be empty',
  maxLength: ([max]) => `must have at most ${counted(max, 'character')}`,
  minLength: ([min]) => `must have at least ${counted(min, 'character')}`,
  isInt: () => 'must be a whole number',
  isBoolean: () => 'must be true or false',
  isObject: () => 'must be an object',
  isArray: () => 'must be an array',
  isDate: () => 'must be a time such as 2026-01-31T12:00:00Z (RFC 3339)',
  isUrl: () => 'must be a URL that begins with http:// or https://',
  isIn: ([values]) => `must be one of ${toChoice(Array.isArray(values) ? values : [])}`,
  min: ([min]) => `must be at least ${String(min)}`,
  max: ([max]) => `must be at most ${String(max)}`,
  nestedValidation: () => 'must be an object',
};

const EACH: Readonly<Record<string, string>> = {
  isString: 'must contain only strings',
  nestedValidation: 'must be an array of objects',
};

/** Converts errors of class-validator to faults in the words of this gateway, each once. They never quote a value. */
export function describeErrors(errors: readonly ValidationError[], parent = ''): readonly ValidationFault[] {
  return errors.flatMap((error) => {
    const path = toPath(parent, error.property);
    return [...describeError(error, path), ...describeErrors(error.children ?? [], path)];
  });
}

function toPath(parent: string, property: string): string {
  if (/^\d+$/.test(property) && parent !== '') return `${parent}[${property}]`;
  return parent === '' ? property : `${parent}.${property}`;
}

function describeError(
  { constraints = {}, target, value, property }: ValidationError,
  path: string,
): ValidationFault[] {
  const names = Object.keys(constraints);
  if (names.length === 0) return [];
  const rules = target ? rulesOf(target.constructor) : [];
  if (names.includes('whitelistValidation')) {
    const knownMembers = new Set(rules.map(({ propertyName }) => propertyName));
    return [{ path, message: 'is not a known member', knownMembers }];
  }
  if (value === undefined) return [{ path, message: 'is missing' }];
  const broken = names.filter((name) => TYPE_RULES.has(name));
  const own = rules.filter(({ propertyName }) => propertyName === property);
  const messages = (broken.length > 0 ? broken.slice(0, 1) : names).map((name) => {
    const rule = own.find((each) => (each.name ?? each.type) === name || each.type === name);
    return describeRule(name, rule, constraints[name] ?? '', property);
  });
  return [...new Set(messages)].map((message) => ({ path, message }));
}

const rulesOf = (target: unknown) =>
  getMetadataStorage().getTargetValidationMetadatas(
    target as () => void,
    '',
    false,
    false,
  ) as unknown as readonly (Rule & {
    readonly propertyName: string;
  })[];

function describeRule(name: string, rule: Rule | undefined, message: string, property: string): string {
  const own = RULES[name];
  // The decorator of nested objects always defines a message of its own.
  const isOwnMessage = rule?.message !== undefined && name !== 'nestedValidation';
  if (own === undefined || isOwnMessage) return withoutSubject(message, property);
  if (rule?.each === true && EACH[name] !== undefined) return EACH[name];
  const text = own(rule?.constraints ?? []);
  return rule?.each === true ? text.replace('must be', 'must contain only') : text;
}

/** Messages that a rule of the gateway defines may begin with the name of the member. */
const withoutSubject = (message: string, property: string): string =>
  message.replace(/\.$/, '').startsWith(`${property} `)
    ? message.slice(property.length + 1).replace(/\.$/, '')
    : message.replace(/\.$/, '');

function toChoice(values: readonly unknown[]): string {
  const texts = values.map(String);
  const last = texts.pop() ?? '';
  return texts.length === 0 ? last : `${texts.join(', ')} or ${last}`;
}
