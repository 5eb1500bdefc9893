/** Prints the OpenAPI document of the admin API of a gateway without extensions, for `npm run ui:api`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TokenIssuer } from './auth/index.js';
import { createGateway } from './create-gateway.js';

const folder = await mkdtemp(join(tmpdir(), 'isthmus-openapi-'));
const variables = { PATH: process.env['PATH'], ISTHMUS_DATA_DIR: folder, ISTHMUS_LOG_LEVEL: 'fatal' };
const gateway = await createGateway({ variables });
try {
  await gateway.listen(0, '127.0.0.1');
  const token = await gateway.get(TokenIssuer).issue({ subject: 'reader', roles: ['admin'], expiresInSeconds: 60 });
  const answer = await fetch(`${await gateway.getUrl()}/admin/v1/openapi.json`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!answer.ok) throw new Error(`The gateway answered ${answer.status}: ${await answer.text()}`);
  process.stdout.write(await answer.text());
} finally {
  await gateway.close();
  await rm(folder, { recursive: true });
}
