import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ANONYMOUS, type Caller, type UpstreamServer } from 'isthmus/extension-kit';
import { upstreamCredentialsContract } from 'isthmus/testing';
import { EmployeeCredentials } from '../src/employee-credentials.js';

const callerOf = (subject: string): Caller => ({
  ...ANONYMOUS,
  principal: { issuer: 'acme', subject },
  key: `acme|${subject}`,
  anonymous: false,
});
const [ada, grace] = [callerOf('ada'), callerOf('grace')];
const bank: UpstreamServer = { slug: 'bank', transport: 'http', url: 'https://bank.example/mcp', tags: ['acme'] };
const weather: UpstreamServer = { slug: 'weather', transport: 'http', url: 'https://weather.example/mcp', tags: [] };

describe('EmployeeCredentials', () => {
  const credentials = new EmployeeCredentials();
  const cases = { callers: [ada, grace, ANONYMOUS], servers: [bank, weather] };
  for (const { name, run } of upstreamCredentialsContract(() => credentials, cases)) it(name, run);

  it("names the employee to Acme's own servers only", () => {
    assert.equal(credentials.credentialsFor({ server: bank, caller: ada }).headers?.['x-acme-employee'], 'ada');
    assert.deepEqual(credentials.credentialsFor({ server: weather, caller: ada }), {});
  });
});
