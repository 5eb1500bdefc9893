import { getMetadataStorage } from 'class-validator';
import { settingsOf, type ConfigClass, type Setting, type SettingKind } from './env.js';
import { formatDuration, formatSize } from './quantities.js';

const FORMS: Readonly<Record<SettingKind, string>> = {
  text: 'text',
  number: 'a number',
  boolean: '`true` or `false`',
  list: 'a list, separated by commas',
  duration: 'a duration such as `250ms`, `5s`, `10m`, `2h` or `1d`',
  size: 'a size such as `512KiB` or `16MiB`',
};

const DOCSTRING = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(?:@Env\('(\w+)'|export class (\w+))/g;

/**
 * Renders the manual of settings as Markdown, with one chapter per class in the given order. `sources` are the texts of
 * the files that declare the classes; their docstrings are the text of the manual. Throws when a setting has none.
 */
export function settingsManual(classes: readonly ConfigClass[], sources: readonly string[]): string {
  const docstrings = new Map(sources.flatMap(docstringsIn));
  return classes.map((configClass) => chapter(configClass, docstrings)).join('\n');
}

function docstringsIn(source: string): [string, string][] {
  return Array.from(source.matchAll(DOCSTRING), ([, text = '', variable, className]) => [
    variable ?? className ?? '',
    text
      .replace(/^\s*\* ?/gm, '')
      .replace(/\s+/g, ' ')
      .trim(),
  ]);
}

function chapter(configClass: ConfigClass, docstrings: ReadonlyMap<string, string>): string {
  const title = configClass.name.replace(/Config$/, '').replace(/(?<=[a-z])(?=[A-Z])/g, ' ');
  const introduction = docstrings.get(configClass.name);
  const sections = settingsOf(configClass).map((setting) => {
    const description = setting.description ?? docstrings.get(setting.variable);
    if (description === undefined) throw new Error(`${setting.variable} has no docstring before its @Env.`);
    return section(setting, description, boundsOf(configClass, setting));
  });
  return [`## ${title}\n`, ...(introduction === undefined ? [] : [`${introduction}\n`]), ...sections].join('\n');
}

function section({ variable, kind, defaultValue: fallback }: Setting, description: string, bounds: string): string {
  const lines = [`- Accepts: ${FORMS[kind]}${bounds}`, `- Default: ${describeDefault(kind, fallback)}`];
  return `### \`${variable}\`\n\n${description}\n\n${lines.join('\n')}\n`;
}

function describeDefault(kind: SettingKind, value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return 'none';
  if (Array.isArray(value)) return `\`${value.join(',')}\``;
  return `\`${toText(kind, value)}\``;
}

function toText(kind: SettingKind, value: unknown): string {
  if (kind === 'duration') return formatDuration(Number(value));
  return kind === 'size' ? formatSize(Number(value)) : String(value);
}

/** Describes the range that the validation rules allow. */
function boundsOf(configClass: ConfigClass, { property, kind }: Setting): string {
  const rules = getMetadataStorage()
    .getTargetValidationMetadatas(configClass, '', false, false)
    .filter((rule) => rule.propertyName === property);
  const bound = (name: string): unknown => {
    const constraints: unknown = rules.find((rule) => rule.name === name)?.constraints;
    return Array.isArray(constraints) ? constraints[0] : undefined;
  };
  const [choices, least, most] = [bound('isIn'), bound('min'), bound('max')];
  return [
    ...(Array.isArray(choices) ? [`one of ${choices.map((choice) => `\`${choice}\``).join(', ')}`] : []),
    ...(least === undefined ? [] : [`at least \`${toText(kind, least)}\``]),
    ...(most === undefined ? [] : [`at most \`${toText(kind, most)}\``]),
  ]
    .map((bounds) => `, ${bounds}`)
    .join('');
}
