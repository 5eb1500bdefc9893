import { basename, dirname } from 'node:path';
import { env, stdout } from 'node:process';
import type { Command } from 'commander';
import { ConfigFault, DURATION_FORM, loadConfig, parseDuration } from '#lib/config';
import { SystemClock } from '#lib/extension-kit';
import { AuthConfig, TokenIssuer } from '../auth/index.js';
import { DataFolder, DataFolderConfig, DataFolderFault } from '../data-folder/index.js';
import { append } from './append.js';
import { CommandFault } from './exit-code.js';

interface TokenValues {
  readonly subject?: string;
  readonly role?: readonly string[];
  readonly scope?: readonly string[];
  readonly expires: string;
  readonly audience?: string;
  readonly json?: true;
}

const MAX_LIFETIME_SECONDS = 31_536_000;

/** Adds `isthmus token`, which prints a token that is signed with the secret of the data folder, and nothing else. */
export function addTokenCommand(program: Command): void {
  program
    .command('token')
    .description('issue a token for this gateway, signed with the secret of its data folder')
    .option('--subject <text>', 'subject of the token (required)')
    .option('--role <name>', 'role of the subject; may be repeated', append)
    .option('--scope <name>', 'scope; may be repeated (default: the scopes of ISTHMUS_AUTH_REQUIRED_SCOPES)', append)
    .option('--expires <duration>', 'lifetime', '60m')
    .option('--audience <text>', 'audience (default: this gateway)')
    .option('--json', 'print a JSON object with the token and its lifetime')
    .allowExcessArguments(false)
    .action(issueToken);
}

/**
 * How a user starts `isthmus token` where this program is installed. `script` is the path by which it was started: a link of
 * npm in a project, a link in the search path, or the file itself.
 */
export function toTokenCommand(script: string): string {
  if (basename(dirname(script)) === '.bin') return 'npx isthmus token';
  return basename(script) === 'isthmus' ? 'isthmus token' : `node ${script} token`;
}

async function issueToken({ subject, role, scope, expires, audience, json }: TokenValues): Promise<void> {
  if (subject === undefined || subject === '')
    throw new CommandFault('--subject is missing. Name the subject of the token.');
  const expiresInSeconds = readLifetime(expires);
  const issuer = await openTokenIssuer();
  const token = await issuer.issue({
    subject,
    expiresInSeconds,
    ...(role && { roles: role }),
    ...(scope && { scopes: scope }),
    ...(audience !== undefined && { audience }),
  });
  stdout.write(`${json ? JSON.stringify({ token, expiresInSeconds }) : token}\n`);
}

async function openTokenIssuer(): Promise<TokenIssuer> {
  try {
    const [{ dataDir }, auth] = loadConfig([DataFolderConfig, AuthConfig], env, { ignoreUnknown: true });
    return new TokenIssuer(await DataFolder.open(dataDir), auth, new SystemClock());
  } catch (fault) {
    if (fault instanceof ConfigFault || fault instanceof DataFolderFault) throw new CommandFault(fault.message);
    throw fault;
  }
}

function readLifetime(text: string): number {
  const seconds = Math.floor((parseDuration(text) ?? 0) / 1_000);
  if (seconds >= 1 && seconds <= MAX_LIFETIME_SECONDS) return seconds;
  throw new CommandFault(`--expires ${text}: expected ${DURATION_FORM}, from 1s to 365d.`);
}
