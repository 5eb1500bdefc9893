import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import { AdminCluster } from './admin-cluster.js';
import { openPage } from './browser.js';
import type { Cleanup } from './cleanup.js';
import type { GatewaySetup } from './gateway.js';
import { collectComplaints } from './page-complaints.js';

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
export class AdminPage extends AdminCluster {
  page!: Page;
  /** `http://127.0.0.1:port/admin/ui/`, at the first worker. */
  url!: string;
  private complaints: string[] = [];

  /** Resolves when the page is logged in. */
  async start(setup: GatewaySetup): Promise<void> {
    await this.startCluster(setup);
    const { page, close } = await openPage();
    this.cleanup.add(close);
    this.page = page;
    this.url = `${this.first.url}/admin/ui/`;
    this.complaints = await collectComplaints(page, new URL(this.url).origin);
    await this.open('/');
    await this.login('admin');
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

  /** What the browser has reported since the last call. */
  takeComplaints(): readonly string[] {
    return this.complaints.splice(0);
  }
}
