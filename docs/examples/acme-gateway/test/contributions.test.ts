import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startGateway, startToolServer, type TestGateway, type ToolServer } from 'isthmus/testing';
import { AcmeModule } from '../src/acme.module.js';

const CLERK = 'acme-badge-7f3a91c2d4';
const TREASURER = 'acme-badge-c06b15e87d';
const ACCOUNT = { account: 'ACME-1' };

describe("the contributions of Acme's module", () => {
  let bank: ToolServer;
  let gateway: TestGateway;
  before(async () => {
    bank = await startToolServer({ pay: { run: () => 'paid' }, preview_report: { run: () => 'a report' } });
    gateway = await startGateway({
      servers: { bank: { transport: 'http', url: bank.url } },
      guardrails: { accounts: { check: 'acme-accounts', servers: ['bank'], options: { prefix: 'ACME-' } } },
      extensions: [AcmeModule],
    });
  });
  after(async () => {
    await gateway.close();
    await bank.close();
  });

  const pay = async (account: string) => {
    const client = await gateway.connect({ token: TREASURER });
    return client.callTool({ name: 'bank__pay', arguments: { account } });
  };
  const payments = async (): Promise<unknown> => {
    const headers = { authorization: `Bearer ${TREASURER}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'acme/spending' });
    const answer = await fetch(`${gateway.url}/rpc`, { method: 'POST', headers, body });
    return ((await answer.json()) as { result: { payments: unknown } }).result.payments;
  };

  it('gives a payment a number, and counts it for the caller', async (test) => {
    const { content, _meta } = await pay(ACCOUNT.account);
    assert.deepEqual(content, [{ type: 'text', text: 'paid' }]);
    assert.match(String(_meta?.['acme/payment']), /^[0-9a-f-]{36}$/);
    await test.waitFor(async () => assert.equal(await payments(), 1));
  });

  it('refuses a payment to an account of another bank, before the bank receives it', async () => {
    const received = bank.calls.length;
    await assert.rejects(pay('OTHER-1'), { message: /the account is not one of Acme/ });
    assert.equal(bank.calls.length, received);
  });

  it('hides tools in preview from everyone but testers', async () => {
    const namesFor = async (request: object) => {
      const client = await gateway.connect(request);
      return (await client.listTools()).tools.map(({ name }) => name);
    };
    assert.deepEqual(await namesFor({ token: CLERK }), []);
    assert.deepEqual(await namesFor({ roles: ['tester'] }), ['bank__preview_report']);
  });
});
