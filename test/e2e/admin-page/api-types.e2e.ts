/** The types of the admin page are those of the OpenAPI document of the gateway. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { AdminClient } from '../../support/admin-client.js';
import { openApiOf } from '../../support/admin-operations.js';
import { startGateway, type TestGateway } from '../../support/gateway.js';

const SCRIPT = join(import.meta.dirname, '../../../ui/scripts/api-schema.mjs');

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({ servers: {} });
});

afterAll(() => gateway.close());

it('the types that the admin page uses describe the current API', async () => {
  const document = await openApiOf(new AdminClient(gateway, ['admin']), gateway);
  const checking = promisify(execFile)(process.execPath, [SCRIPT, '--check']);
  checking.child.stdin?.end(JSON.stringify(document));
  await expect(checking).resolves.toMatchObject({ stderr: '' });
});
