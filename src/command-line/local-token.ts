import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { loadConfig, type Variables } from '#lib/config';
import { SystemClock } from '#lib/extension-kit';
import { AuthConfig, TokenIssuer } from '../auth/index.js';
import { DataFolder, DataFolderConfig } from '../data-folder/index.js';

/** Long enough for the user to answer the questions of a tool. */
const LIFETIME_SECONDS = 3_600;
const LOOPBACK_HOSTS = new Set(['127.0.0.1', '[::1]', 'localhost']);

/**
 * Issues a token for a gateway on this machine whose data folder the user may read. Undefined for every other gateway, which
 * must not see a token of this one.
 * @throws ConfigFault or DataFolderFault
 */
export async function findLocalToken(url: URL, variables: Variables): Promise<string | undefined> {
  if (!LOOPBACK_HOSTS.has(url.hostname)) return undefined;
  const [{ dataDir }, auth] = loadConfig([DataFolderConfig, AuthConfig], variables, { ignoreUnknown: true });
  // Opening would create the folder and new secrets, which no running gateway accepts.
  if (!existsSync(join(dataDir, 'jwt.secret'))) return undefined;
  const issuer = new TokenIssuer(await DataFolder.open(dataDir), auth, new SystemClock());
  return issuer.issue({
    subject: `${userInfo().username}@localhost`,
    roles: ['user'],
    expiresInSeconds: LIFETIME_SECONDS,
  });
}
