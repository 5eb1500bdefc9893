import type { DenyPreset } from './deny-options.js';
import { isInternalHost } from './hosts.js';
import { escapesFolder } from './paths.js';
import type { TextTest } from './text-test.js';

/**
 * Verbs that change data, definitions, rights or the server. Texts within quotes count as well: where a quote ends depends on the
 * database.
 */
const SQL_WRITE =
  /\b(?:insert|update|delete|drop|alter|truncate|create|grant|revoke|merge|upsert|replace\s{1,20}into|into\s{1,20}(?:outfile|dumpfile)|exec|execute|call|copy|attach|detach|vacuum|reindex|rename|load_file|xp_cmdshell|pragma|shutdown|kill)\b/i;
/** Comments separate words, as spaces do. */
const SQL_COMMENT = /\/\*!?\d{0,6}|\*\//g;

/** Separators, pipes, redirections, substitutions and line breaks of POSIX shells, `cmd` and PowerShell. */
const SHELL = /[;&|`<>\n\r\0]|\$[({\w@*#?!$'"]|%\w{1,64}%|\^\S/;

/** Tells whether a preset refuses one form of a text, or one of its hosts. */
export const PRESETS: Readonly<Record<DenyPreset, Pick<TextTest, 'refusesForm' | 'refusesHost'>>> = {
  'path-escape': { refusesForm: escapesFolder },
  'sql-write': { refusesForm: (form) => SQL_WRITE.test(form.replaceAll(SQL_COMMENT, ' ')) },
  shell: { refusesForm: (form) => SHELL.test(form) },
  'internal-url': { refusesHost: isInternalHost },
};
