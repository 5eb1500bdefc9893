/** @waits */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { startReferenceServer } from '#lib/testing/reference-server';
import { accessibilityFaults } from '../../support/accessibility.js';
import { useAdminPage } from '../../support/admin-page.js';
import { MARKUP, MARKUP_IN_JSON } from '../../support/markup.js';
import { answerAll, RepeatingClient } from '../../support/repeating-client.js';
import { RoamingClient } from '../../support/roaming-client.js';

describe('the page of sessions and workers', () => {
  const world = useAdminPage(async (cleanup) => {
    const server = await startReferenceServer({ era: 'legacy', transport: 'http' });
    cleanup.add(() => server.close());
    return {
      servers: { ref: { transport: 'http', url: server.url }, guarded: { transport: 'http', url: server.url } },
      guardrails: { asks: { check: 'approval', servers: ['guarded'], options: { by: 'admin', tools: ['add'] } } },
    };
  });
  let token: string;

  beforeAll(async () => {
    token = await world.cluster.token({ subject: 'grace' });
  });

  const button = (name: string) => world.button(name);

  it('says what will appear in an installation without clients', async () => {
    await world.open('/sessions');
    await world.page.getByText('No client has a session.').waitFor();
    expect(await accessibilityFaults(world.page)).toEqual([]);
  });

  it('ends a session of another worker, whose client then gets 404', async () => {
    const { page } = world;
    const client = await RoamingClient.initialize(world.second, { token, name: MARKUP });
    expect(await client.callAndRead(world.second, 'before')).toMatchObject({ status: 200 });
    await page.getByRole('gridcell', { name: MARKUP }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('gridcell', { name: MARKUP }).click();
    await page.getByRole('heading', { name: MARKUP, level: 1 }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await button('End the session').click();
    await world.confirm('End the session', 'End this session?');
    await page.getByText('Ended the session.').waitFor();
    expect(await client.callAndRead(world.second, 'after')).toMatchObject({ status: 404 });
    await page.getByText('No client has a session.').waitFor();
  });

  it('shows what a parked call waits for, until its client has answered', async () => {
    const { page } = world;
    const client = new RepeatingClient({ token });
    const what = { mark: 'asked', tool: 'ask_name' };
    const asked = await client.callForInput(world.second, what);
    await page.getByRole('link', { name: 'Parked calls', exact: false }).click();
    await page.getByRole('gridcell', { name: 'an answer of the user' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('gridcell', { name: 'ask_name of ref' }).click();
    await page.getByText('What was asked is private to the client').waitFor();
    expect(await page.getByText('What is your name?').count()).toBe(0);
    expect(await accessibilityFaults(page)).toEqual([]);
    const answer = await client.call(
      world.second,
      what,
      answerAll(asked, { action: 'accept', content: { name: 'Ada' } }),
    );
    expect(answer).toMatchObject({ result: { content: [{ text: expect.stringContaining('Ada') }] } });
    await page.getByText('This call is no longer parked.').waitFor();
    await page.getByRole('link', { name: 'Show the parked calls' }).click();
    await page.getByText('No call is parked.').waitFor();
    await client.close();
  });

  it('cancels a parked call, and its client gets the error that the outcome is unknown', async () => {
    const { page } = world;
    const client = new RepeatingClient({ token });
    const what = { mark: 'cancelled', tool: 'ask_name' };
    const asked = await client.callForInput(world.second, what);
    await page.getByRole('gridcell', { name: 'ask_name of ref' }).click();
    await button('Cancel the call').click();
    await world.confirm('Cancel the call', 'Cancel this call?');
    await page.getByText('No call is parked.').waitFor();
    expect(await client.call(world.second, what, answerAll(asked, { action: 'decline' }))).toMatchObject({
      error: { code: -31_002, data: { outcome: 'unknown' } },
    });
    await client.close();
  });

  it('lets an admin approve one call and refuse another', async () => {
    const { page } = world;
    const client = await RoamingClient.initialize(world.second, { token, path: '/servers/guarded' });
    await world.open('/sessions/approvals');
    await page.getByText('No call waits for an approval.').waitFor();
    const sum = client.callAndRead(world.second, 'sum', 'add', { a: 2, b: 3, note: MARKUP });
    await button('Approve').waitFor();
    await page.getByText(MARKUP_IN_JSON).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await button('Approve').click();
    await world.confirm('Approve', 'Approve add of guarded?');
    expect((await sum).messages.at(-1)).toMatchObject({ result: { content: [{ text: '{"sum":5}' }] } });
    const refused = client.callAndRead(world.second, 'refused', 'add', { a: 4, b: 5 });
    await button('Refuse').click();
    await page.getByLabel('Reason').fill('Not on a Friday.');
    await world.confirm('Refuse', 'Refuse add of guarded?');
    expect((await refused).messages.at(-1)).toMatchObject({
      error: { code: -31_013, message: expect.stringContaining('Not on a Friday.') },
    });
    await page.getByText('Not on a Friday.').waitFor();
    await client.end(world.second);
  });

  it('offers an auditor no act', async () => {
    const { page } = world;
    const client = await RoamingClient.initialize(world.second, { token, name: 'watched' });
    await world.loginAs('auditor');
    await world.open('/sessions');
    await page.getByRole('gridcell', { name: 'watched' }).click();
    await page.getByText('Streamable HTTP').waitFor();
    expect(await button('End the session').count()).toBe(0);
    await world.open('/sessions/workers');
    await page.getByText('serving').nth(1).waitFor();
    expect(await button('Drain').count()).toBe(0);
    await client.end(world.second);
    await world.loginAs('operator');
  });

  it('drains a worker, and asks again before it drains the only one', async () => {
    const { page } = world;
    await world.open('/sessions/workers');
    const panel = page.getByRole('region').filter({ hasText: `process ${world.second.pid}` });
    await panel.waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await panel.getByRole('button', { name: 'Drain' }).click();
    await world.confirm('Drain');
    expect(await world.second.ended).toBe(0);
    await panel.waitFor({ state: 'detached' });
    await button('Drain').click();
    await world.confirm('Drain');
    await page.getByRole('dialog').getByRole('button', { name: 'Stop the gateway' }).waitFor();
    expect(world.first.isRunning).toBe(true);
    await world.confirm('Cancel');
  });
});
