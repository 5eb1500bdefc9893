import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import type { JsonObject } from '#lib/mcp-protocol';
import { startRedis } from '#lib/testing/redis-server';
import { AdminClient } from './admin-client.js';
import { openPage } from './browser.js';
import { Cleanup } from './cleanup.js';
import { startCluster, type ClusterWorker, type TestCluster } from './cluster.js';
import type { GatewaySetup } from './gateway.js';
import { collectComplaints } from './page-complaints.js';
import { until } from './until.js';

/**
 * For a suite in a browser: starts two workers with a shared Redis, and a browser that has logged in as `admin` to the page
 * of the first. Ends them after the suite, together with what the clean-up was given, and fails each test during
 * which the browser has reported a failed script, refused content, a request to another host or a dialog. Needs a build.
 */
export function useAdminPage(
  prepare: (cleanup: Cleanup) => GatewaySetup | Promise<GatewaySetup> = () => ({ servers: {} }),
): AdminPage {
  const adminPage = new AdminPage();
  beforeAll(async () => adminPage.start(await prepare(adminPage.cleanup)));
  afterEach(() => expect(adminPage.takeComplaints()).toEqual([]));
  afterAll(() => adminPage.cleanup.run());
  return adminPage;
}

/** The admin page of two workers, in a browser. */
export class AdminPage {
  cluster!: TestCluster;
  page!: Page;
  /** `http://127.0.0.1:port/admin/ui/` */
  url!: string;
  /** Reads and prepares what a page shows, as `admin`. */
  admin!: AdminClient;
  /** Runs after the suite. */
  readonly cleanup = new Cleanup();
  private complaints: string[] = [];

  /** Resolves when the page is logged in and both workers know each other. */
  async start(setup: GatewaySetup): Promise<void> {
    const redis = await startRedis();
    this.cleanup.add(() => redis.stop());
    this.cluster = await startCluster({ workers: 2, redis: redis.url, ...setup });
    this.cleanup.add(() => this.cluster.stop());
    this.admin = new AdminClient(this.cluster, ['admin']);
    const { page, close } = await openPage();
    this.cleanup.add(close);
    this.page = page;
    this.url = `${this.first.url}/admin/ui/`;
    this.complaints = await collectComplaints(page, new URL(this.url).origin);
    await this.open('/');
    await this.login('admin');
    await until(async () => ((await this.admin.get(this.first, '/workers')).json['items'] as unknown[]).length === 2);
  }

  /** The worker whose page the browser shows. */
  get first(): ClusterWorker {
    return this.cluster.workers[0]!;
  }

  get second(): ClusterWorker {
    return this.cluster.workers[1]!;
  }

  /** Loads a page by its path behind the `#`, such as `/servers`. What was not saved is lost. */
  async open(path: string): Promise<void> {
    // A new document: the address of another page differs only behind the `#`.
    await this.page.goto('about:blank');
    const response = await this.page.goto(`${this.url}#${path}`);
    if (!response?.ok()) throw new Error(`The gateway does not serve its page: ${await response?.text()}`);
  }

  /** Logs in at the shown login page with a token of this role. */
  async login(role: string): Promise<void> {
    await this.label('Token').fill(await this.cluster.token({ subject: 'ada', roles: [role] }));
    await this.button('Log in').click();
    await this.page.getByRole('navigation', { name: 'Pages' }).waitFor({ state: 'attached' });
  }

  /** Forgets the session of the browser, and logs in with another role. */
  async loginAs(role: string): Promise<void> {
    await this.page.context().clearCookies();
    await this.open('/');
    await this.login(role);
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  label(name: string): Locator {
    return this.page.getByLabel(name, { exact: true });
  }

  /** Presses a button of the dialog that is open. */
  async confirm(button: string, dialog?: string): Promise<void> {
    const shown = this.page.getByRole('dialog', dialog === undefined ? {} : { name: dialog });
    await shown.getByRole('button', { name: button, exact: true }).click();
  }

  /** What the other worker replies at a path of the admin API, to an admin. */
  async stored(path: string): Promise<JsonObject> {
    return (await this.admin.get(this.second, path)).json;
  }

  /** What the browser has reported since the last call. */
  takeComplaints(): readonly string[] {
    return this.complaints.splice(0);
  }
}
