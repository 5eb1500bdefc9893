/** `npm run token -- --subject me@example.com --role admin --expires 60m`: prints a token and nothing else. */
import { argv, env, exit, stderr, stdout } from 'node:process';
import { ConfigFault, loadConfig } from '#lib/config';
import { SystemClock } from '#lib/extension-kit';
import { DataFolder, DataFolderConfig, DataFolderFault } from '../data-folder/index.js';
import { AuthConfig } from './auth.config.js';
import { parseTokenArguments, TOKEN_USAGE, UsageFault } from './token-arguments.js';
import { TokenIssuer } from './token-issuer.js';

async function run(): Promise<string> {
  const options = parseTokenArguments(argv.slice(2));
  if (options === 'help') return TOKEN_USAGE;
  const [{ dataDir }, auth] = loadConfig([DataFolderConfig, AuthConfig], env, { ignoreUnknown: true });
  const folder = await DataFolder.open(dataDir);
  return `${await new TokenIssuer(folder, auth, new SystemClock()).issue(options)}\n`;
}

try {
  stdout.write(await run());
} catch (fault) {
  if (fault instanceof UsageFault) stderr.write(`${fault.message}\n\n${TOKEN_USAGE}`);
  else if (fault instanceof ConfigFault || fault instanceof DataFolderFault) stderr.write(`${fault.message}\n`);
  else throw fault;
  exit(2);
}
