import { escapeSecretReferences } from '../../registry/index.js';
import type { Filling } from './filling.js';
import type { Argument } from './server-json.js';

/** Returns the arguments of a command line, without those that have no value. */
export const toArguments = (list: readonly Argument[], filling: Filling): readonly string[] =>
  list.flatMap((argument, index) => toTexts(argument, index, filling));

function toTexts(argument: Argument, index: number, filling: Filling): readonly string[] {
  const { name: written, valueHint, isRepeated } = argument;
  if (written === undefined) {
    const shown = valueHint ?? `argument ${index + 1}`;
    return filling.valuesOf(argument, { name: shown, use: 'argument', isRepeated });
  }
  const name = escapeSecretReferences(written);
  if (isFlag(argument)) return [name];
  const values = filling.valuesOf(argument, { name: written, use: 'argument', isRepeated });
  // The format describes `--flag={value}`; short flags and words have no such form everywhere.
  return values.flatMap((value) => (name.startsWith('--') ? [`${name}=${value}`] : [name, value]));
}

/** A name about whose value the document says nothing stands for itself. */
function isFlag(argument: Argument): boolean {
  const { value, default: fallback, placeholder, format, choices, valueHint, isRequired, isSecret } = argument;
  const hints = [fallback, placeholder, format, choices, valueHint];
  return value === '' || (value === undefined && !isRequired && !isSecret && hints.every((hint) => hint === undefined));
}
