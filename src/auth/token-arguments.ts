import { parseArgs } from 'node:util';
import { didYouMean, DURATION_FORM, parseDuration } from '#lib/config';
import type { TokenOptions } from './token-issuer.js';

export const TOKEN_USAGE = `Issues a token for this gateway, signed with the secret of its data folder.

  --subject <text>      subject of the token (required)
  --role <name>         role of the subject; may be repeated
  --scope <name>        scope; may be repeated. Default: the scopes of ISTHMUS_AUTH_REQUIRED_SCOPES
  --expires <duration>  lifetime. Default: 60m
  --audience <text>     audience. Default: this gateway
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

const MAX_LIFETIME_SECONDS = 31_536_000;

/** The command line is invalid. The message says why. */
export class UsageFault extends Error {
  override readonly name = 'UsageFault';
}

/** Parses the command line. Throws a UsageFault. */
export function parseTokenArguments(args: readonly string[]): TokenOptions | 'help' {
  const values = parse(args);
  if (values.help === true) return 'help';
  const { subject, role, scope, expires, audience } = values;
  if (subject === undefined || subject === '')
    throw new UsageFault('--subject is missing. Name the subject of the token.');
  return {
    subject,
    expiresInSeconds: readExpiry(expires),
    ...(role === undefined ? {} : { roles: role }),
    ...(scope === undefined ? {} : { scopes: scope }),
    ...(audience === undefined ? {} : { audience }),
  };
}

function parse(args: readonly string[]) {
  rejectUnknownOptions(args);
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (fault) {
    throw new UsageFault(fault instanceof Error ? fault.message : String(fault));
  }
}

/** The parser rejects unknown options too, but without suggesting the option that was meant. */
function rejectUnknownOptions(args: readonly string[]): void {
  const { tokens } = parseArgs({ args: [...args], options: OPTIONS, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind !== 'option' || Object.hasOwn(OPTIONS, token.name)) continue;
    const known = Object.keys(OPTIONS).map((name) => `--${name}`);
    throw new UsageFault(`Unknown option ${token.rawName}.${didYouMean(token.rawName, known)}`);
  }
}

function readExpiry(text: string): number {
  const seconds = Math.floor((parseDuration(text) ?? 0) / 1_000);
  if (seconds >= 1 && seconds <= MAX_LIFETIME_SECONDS) return seconds;
  throw new UsageFault(`--expires ${text}: expected ${DURATION_FORM}, from 1s to 365d.`);
}
