import { parseArgs } from 'node:util';
import { didYouMean, DURATION_FORM, parseDuration } from '#lib/config';
import type { TokenOptions } from './token-issuer.js';

export const TOKEN_USAGE = `Makes a token for this gateway, signed with the secret of its data folder.

  --subject <text>      whom the token names (required)
  --role <name>         a role; may be repeated
  --scope <name>        a scope; may be repeated. Without: the scopes that ISTHMUS_AUTH_REQUIRED_SCOPES demands
  --expires <duration>  60m by default
  --audience <text>     for whom it is meant: this gateway by default
  --help
`;

const OPTIONS = {
  subject: { type: 'string' },
  role: { type: 'string', multiple: true },
  scope: { type: 'string', multiple: true },
  expires: { type: 'string', default: '60m' },
  audience: { type: 'string' },
  help: { type: 'boolean' },
} as const;

const YEAR_IN_SECONDS = 31_536_000;

/** The command line cannot be understood. The message says what is wrong with it. */
export class UsageFault extends Error {
  override readonly name = 'UsageFault';
}

/** What the command line asks for. Throws a UsageFault. */
export function parseTokenArguments(args: readonly string[]): TokenOptions | 'help' {
  const values = parse(args);
  if (values.help === true) return 'help';
  const { subject, role, scope, expires, audience } = values;
  if (subject === undefined || subject === '') throw new UsageFault('--subject is missing: whom shall the token name?');
  return {
    subject,
    expiresInSeconds: readExpiry(expires),
    ...(role === undefined ? {} : { roles: role }),
    ...(scope === undefined ? {} : { scopes: scope }),
    ...(audience === undefined ? {} : { audience }),
  };
}

function parse(args: readonly string[]) {
  refuseUnknown(args);
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (fault) {
    throw new UsageFault(fault instanceof Error ? fault.message : String(fault));
  }
}

/** The parser refuses too, but with advice that helps nobody who mistyped a name. */
function refuseUnknown(args: readonly string[]): void {
  const { tokens } = parseArgs({ args: [...args], options: OPTIONS, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind !== 'option' || Object.hasOwn(OPTIONS, token.name)) continue;
    const known = Object.keys(OPTIONS).map((name) => `--${name}`);
    throw new UsageFault(`There is no option ${token.rawName}.${didYouMean(token.rawName, known)}`);
  }
}

function readExpiry(text: string): number {
  const seconds = Math.floor((parseDuration(text) ?? 0) / 1_000);
  if (seconds >= 1 && seconds <= YEAR_IN_SECONDS) return seconds;
  throw new UsageFault(`--expires ${text}: expected ${DURATION_FORM}, from 1s to 365d.`);
}
