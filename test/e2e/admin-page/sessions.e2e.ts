/** @waits */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { accessibilityFaults } from '../../support/accessibility.js';
import { startAdminPageWorld, type AdminPageWorld } from '../../support/admin-page-world.js';
import { HAS_BROWSER } from '../../support/browser.js';
import type { ClusterWorker } from '../../support/cluster.js';
import { answerAll, RepeatingClient } from '../../support/repeating-client.js';
import { RoamingClient } from '../../support/roaming-client.js';

/** A client may call itself anything. */
const MARKUP = '<img src=x onerror=console.error(1)>';

(HAS_BROWSER ? describe : describe.skip)('the page of sessions and workers', () => {
  let server: ReferenceServer;
  let world: AdminPageWorld;
  let second: ClusterWorker;
  let token: string;

  beforeAll(async () => {
    server = await startReferenceServer({ era: 'legacy', transport: 'http' });
    world = await startAdminPageWorld({
      servers: { ref: { transport: 'http', url: server.url }, guarded: { transport: 'http', url: server.url } },
      guardrails: { asks: { check: 'approval', servers: ['guarded'], options: { by: 'admin', tools: ['add'] } } },
    });
    second = world.cluster.workers[1]!;
    token = await world.cluster.token({ subject: 'grace' });
  });

  afterAll(async () => {
    expect(world.complaints).toEqual([]);
    await world.close();
    await server.close();
  });

  const button = (name: string) => world.page.getByRole('button', { name, exact: true });
  const confirm = (dialog: string, name: string) =>
    world.page.getByRole('dialog', { name: dialog }).getByRole('button', { name, exact: true }).click();

  it('says what will appear in an installation without clients', async () => {
    await world.open('/sessions');
    await world.page.getByText('No client has a session.').waitFor();
    expect(await accessibilityFaults(world.page)).toEqual([]);
  });

  it('ends a session of another worker, whose client then gets 404', async () => {
    const { page } = world;
    const client = await RoamingClient.initialize(second, { token, name: MARKUP });
    expect(await client.callAndRead(second, 'before')).toMatchObject({ status: 200 });
    await page.getByRole('gridcell', { name: MARKUP }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('gridcell', { name: MARKUP }).click();
    await page.getByRole('heading', { name: MARKUP, level: 1 }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await button('End the session').click();
    await confirm('End this session?', 'End the session');
    await page.getByText('Ended the session.').waitFor();
    expect(await client.callAndRead(second, 'after')).toMatchObject({ status: 404 });
    await page.getByText('No client has a session.').waitFor();
  });

  it('shows what a parked call waits for, until its client has answered', async () => {
    const { page } = world;
    const client = new RepeatingClient({ token });
    const what = { mark: 'asked', tool: 'ask_name' };
    const asked = await client.callForInput(second, what);
    await page.getByRole('link', { name: 'Parked calls', exact: false }).click();
    await page.getByRole('gridcell', { name: 'an answer of the user' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('gridcell', { name: 'ask_name of ref' }).click();
    await page.getByText('What was asked is private to the client').waitFor();
    expect(await page.getByText('What is your name?').count()).toBe(0);
    expect(await accessibilityFaults(page)).toEqual([]);
    const answer = await client.call(second, what, answerAll(asked, { action: 'accept', content: { name: 'Ada' } }));
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
    const asked = await client.callForInput(second, what);
    await page.getByRole('gridcell', { name: 'ask_name of ref' }).click();
    await button('Cancel the call').click();
    await confirm('Cancel this call?', 'Cancel the call');
    await page.getByText('No call is parked.').waitFor();
    expect(await client.call(second, what, answerAll(asked, { action: 'decline' }))).toMatchObject({
      error: { code: -31_002, data: { outcome: 'unknown' } },
    });
    await client.close();
  });

  it('lets an admin approve one call and refuse another', async () => {
    const { page } = world;
    const client = await RoamingClient.initialize(second, { token, path: '/servers/guarded' });
    await world.open('/sessions/approvals');
    await page.getByText('No call waits for an approval.').waitFor();
    const sum = client.callAndRead(second, 'sum', 'add', { a: 2, b: 3, note: MARKUP });
    await button('Approve').waitFor();
    await page.getByText(MARKUP).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await button('Approve').click();
    await confirm('Approve add of guarded?', 'Approve');
    expect((await sum).messages.at(-1)).toMatchObject({ result: { content: [{ text: '{"sum":5}' }] } });
    const refused = client.callAndRead(second, 'refused', 'add', { a: 4, b: 5 });
    await button('Refuse').click();
    await page.getByLabel('Reason').fill('Not on a Friday.');
    await confirm('Refuse add of guarded?', 'Refuse');
    expect((await refused).messages.at(-1)).toMatchObject({
      error: { code: -31_013, message: expect.stringContaining('Not on a Friday.') },
    });
    await page.getByText('Not on a Friday.').waitFor();
    await client.end(second);
  });

  it('offers an auditor no act', async () => {
    const { page } = world;
    const client = await RoamingClient.initialize(second, { token, name: 'watched' });
    await page.context().clearCookies();
    await world.open('/sessions');
    await world.login(['auditor']);
    await page.getByRole('gridcell', { name: 'watched' }).click();
    await page.getByText('Streamable HTTP').waitFor();
    expect(await button('End the session').count()).toBe(0);
    await world.open('/sessions/workers');
    await page.getByText('serving').nth(1).waitFor();
    expect(await button('Drain').count()).toBe(0);
    await client.end(second);
    await page.context().clearCookies();
    await world.open('/sessions/workers');
    await world.login(['operator']);
  });

  it('drains a worker, and asks again before it drains the only one', async () => {
    const { page } = world;
    const panel = page.getByRole('region').filter({ hasText: `process ${second.pid}` });
    await panel.waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await panel.getByRole('button', { name: 'Drain' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).click();
    expect(await second.ended).toBe(0);
    await panel.waitFor({ state: 'detached' });
    await button('Drain').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Stop the gateway' }).waitFor();
    expect(world.cluster.workers[0]!.isRunning).toBe(true);
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  });
});
