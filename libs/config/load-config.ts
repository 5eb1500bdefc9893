import { validateSync } from 'class-validator';
import { ConfigFault } from './config-fault.js';
import { parseSetting, SETTING_PREFIX, settingsOf, type ConfigClass, type Setting } from './env.js';
import { didYouMean } from './suggestion.js';

/** Environment variables, as in `process.env`. */
export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Implemented by a config class whose settings depend on each other. Runs only when each setting is valid by itself.
 */
export interface CombinationRules {
  /** Returns one sentence per impossible combination; each starts with the name of a variable. */
  combinationFaults(): readonly string[];
}

export interface LoadOptions {
  /** For a tool that reads a part of the settings: the product's other settings are not reported as unknown. */
  readonly ignoreUnknown?: boolean;
}

type Instances<T extends readonly ConfigClass[]> = { -readonly [K in keyof T]: InstanceType<T[K]> };

/**
 * Reads the settings of all classes. An empty variable counts as unset.
 * Throws one ConfigFault that lists every invalid value, impossible combination and unknown `ISTHMUS_*` variable.
 */
export function loadConfig<const T extends readonly ConfigClass[]>(
  classes: T,
  variables: Variables,
  options: LoadOptions = {},
): Instances<T> {
  const faults = options.ignoreUnknown === true ? [] : findUnknownVariables(classes, variables);
  const instances = classes.map((configClass) => instantiate(configClass, variables, faults));
  if (faults.length > 0) throw new ConfigFault(faults);
  // The mapping preserves length and order, which the type system cannot express.
  return instances as Instances<T>;
}

function findUnknownVariables(classes: readonly ConfigClass[], variables: Variables): string[] {
  const known = new Set(classes.flatMap((configClass) => settingsOf(configClass).map((setting) => setting.variable)));
  return Object.keys(variables)
    .filter((name) => name.startsWith(SETTING_PREFIX) && !known.has(name))
    .map((name) => `${name}: unknown setting.${didYouMean(name, known)}`);
}

function instantiate(configClass: ConfigClass, variables: Variables, faults: string[]): object {
  const instance = new configClass();
  const before = faults.length;
  const unreadable = new Set<string>();
  for (const setting of settingsOf(configClass)) {
    const text = variables[setting.variable]?.trim();
    if (text === undefined || text === '') continue;
    const reading = parseSetting(setting.kind, text);
    if ('value' in reading) Reflect.set(instance, setting.property, reading.value);
    else {
      unreadable.add(setting.property);
      faults.push(`${setting.variable}: expected ${reading.expected}${describeValue(setting, text)}.`);
    }
  }
  faults.push(...findRuleFaults(configClass, instance, unreadable));
  if (faults.length === before && hasCombinationRules(instance)) faults.push(...instance.combinationFaults());
  return Object.freeze(instance);
}

function findRuleFaults(configClass: ConfigClass, instance: object, unreadable: ReadonlySet<string>): string[] {
  const settings = new Map(settingsOf(configClass).map((setting) => [setting.property, setting]));
  return validateSync(instance, { forbidUnknownValues: false })
    .filter((error) => !unreadable.has(error.property))
    .flatMap((error) => {
      const setting = settings.get(error.property);
      const name = setting?.variable ?? error.property;
      return Object.values(error.constraints ?? {}).map(
        (message) => `${name}: ${withoutSubject(message, error.property)}${describeValue(setting, error.value)}.`,
      );
    });
}

/** class-validator starts each message with the name of the property; operators know the variable's name only. */
function withoutSubject(message: string, property: string): string {
  return message.replace(/\.$/, '').replace(new RegExp(`^(each value in )?${property} `), '$1');
}

function describeValue(setting: Setting | undefined, value: unknown): string {
  if (setting === undefined || setting.secret === true || value === undefined) return '';
  return ` (it is ${JSON.stringify(value).slice(0, 100)})`;
}

const hasCombinationRules = (instance: object): instance is CombinationRules =>
  'combinationFaults' in instance && typeof instance.combinationFaults === 'function';
