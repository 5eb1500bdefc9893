import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Test } from '@nestjs/testing';
import { GatewayModule } from 'isthmus';
import { AccessPolicy } from 'isthmus/extension-kit';
import {
  createTestVariables,
  startCompiledGateway,
  startGateway,
  startToolServer,
  type TestGateway,
  type ToolServer,
} from 'isthmus/testing';
import { AcmeModule } from '../src/acme.module.js';

const CLERK = 'acme-badge-7f3a91c2d4';
const TREASURER = 'acme-badge-c06b15e87d';

let bank: ToolServer;

before(async () => {
  bank = await startToolServer({
    balance: { run: () => '100' },
    pay: { run: ({ amount }) => `paid ${String(amount)}` },
  });
});
after(() => bank.close());

async function connect({ url }: TestGateway, token: string): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit }));
  return client;
}

async function toolsOf(gateway: TestGateway, token: string): Promise<string[]> {
  const client = await connect(gateway, token);
  const { tools } = await client.listTools();
  await client.close();
  return tools.map(({ name }) => name);
}

describe("Acme's gateway", () => {
  let gateway: TestGateway;
  before(async () => {
    const servers = { bank: { transport: 'http', url: bank.url, tags: ['acme'] } };
    gateway = await startGateway({ servers, extensions: [AcmeModule] });
  });
  after(() => gateway.close());

  it('accepts badges as tokens, and shows tools that move money to treasurers only', async () => {
    assert.deepEqual(await toolsOf(gateway, CLERK), ['bank__balance']);
    assert.deepEqual(await toolsOf(gateway, TREASURER), ['bank__balance', 'bank__pay']);
  });

  it('accepts the tokens of the gateway as well', async () => {
    assert.deepEqual(await toolsOf(gateway, await gateway.token()), ['bank__balance']);
  });

  it('passes the call of a treasurer on, and not that of a clerk', async () => {
    const args = { name: 'bank__pay', arguments: { amount: 5 } };
    const treasurer = await connect(gateway, TREASURER);
    assert.deepEqual((await treasurer.callTool(args)).content, [{ type: 'text', text: 'paid 5' }]);
    await treasurer.close();
    const clerk = await connect(gateway, CLERK);
    await assert.rejects(clerk.callTool(args));
    await clerk.close();
    assert.equal(bank.calls.filter(({ name }) => name === 'pay').length, 1);
  });

  it('tells the bank which employee calls', async () => {
    const before = bank.calls.length;
    for (const token of [CLERK, TREASURER, CLERK]) {
      const client = await connect(gateway, token);
      await client.callTool({ name: 'bank__balance', arguments: {} });
      await client.close();
    }
    const employees = bank.calls.slice(before).map(({ headers }) => headers['x-acme-employee']);
    assert.deepEqual(employees, ['7f3a91c2d4', 'c06b15e87d', '7f3a91c2d4']);
  });
});

describe("the gateway in Nest's testing module", () => {
  it('uses the provider that a test has overridden', async () => {
    const variables = await createTestVariables({ servers: { bank: { transport: 'http', url: bank.url } } });
    const allowNothing = {
      decide: () => ({ allowed: false, reason: 'Closed.' }),
      explain: () => ({ allowed: false, reason: 'Closed.', rules: [] }),
      accessScope: () => 'none',
      canUseEndpoint: () => true,
      isUnrestricted: () => false,
    };
    const compiled = await Test.createTestingModule({ imports: [GatewayModule.forRoot({ variables })] })
      .overrideProvider(AccessPolicy)
      .useValue(allowNothing)
      .compile();
    const gateway = await startCompiledGateway(compiled, variables);
    assert.deepEqual(await toolsOf(gateway, await gateway.token()), []);
    await gateway.close();
  });
});
