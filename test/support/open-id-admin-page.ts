import type { Browser, Page } from 'playwright-core';
import { freePort } from '#lib/testing/redis-server';
import { AdminCluster } from './admin-cluster.js';
import { newPage, openPage } from './browser.js';
import type { GatewaySetup } from './gateway.js';
import { startNginx } from './nginx.js';
import { CLIENT_ID, CLIENT_SECRET, startOpenIdProvider } from './open-id-provider.js';
import { collectComplaints } from './page-complaints.js';

const PATH = '/tools';

/** The admin page of two workers behind nginx, below a path, with logins at an OpenID provider of another site. */
export class OpenIdAdminPage extends AdminCluster {
  /** `http://127.0.0.1:port/tools` */
  base!: string;
  private providerOrigin!: string;
  private browser!: Browser;
  private readonly complaints: string[] = [];

  /** `isPathRemoved`: whether nginx removes the path from what it passes on. Needs a build. */
  async start(isPathRemoved: boolean, setup: GatewaySetup): Promise<void> {
    const [port, providerPort] = [await freePort(), await freePort()];
    this.base = `http://127.0.0.1:${port}${PATH}`;
    const provider = await startOpenIdProvider({
      port: providerPort,
      host: 'localhost',
      redirectUris: [`${this.base}/admin/ui/callback`],
      resource: this.base,
    });
    this.cleanup.add(() => provider.close());
    this.providerOrigin = new URL(provider.issuer).origin;
    await this.startCluster({ ...setup, env: { ...setup.env, ...this.openIdSettings(provider.issuer) } });
    const gateways = this.cluster.workers.map(({ url }) => url);
    const nginx = await startNginx(gateways, { prefix: { path: PATH, isRemoved: isPathRemoved }, port });
    this.cleanup.add(() => nginx.stop());
    const { page, close } = await openPage();
    this.cleanup.add(close);
    this.browser = page.context().browser()!;
  }

  /** Opens a place of the page in an empty profile, and logs in at the provider on the way there. The name is the role. */
  async logIn(name: string, place: string): Promise<Page> {
    const page = await newPage(this.browser);
    const origin = new URL(this.base).origin;
    const complaints = await collectComplaints(page, origin, this.providerOrigin);
    page.on('request', (request) => {
      const url = request.url();
      if (url.startsWith(origin) && !url.startsWith(`${this.base}/`)) complaints.push(`requested ${url}`);
    });
    page.on('close', () => this.complaints.push(...complaints));
    await page.goto(`${this.base}/admin/ui/#${place}`);
    await page.getByRole('button', { name: 'Log in with' }).click();
    await page.locator('input[name=login]').fill(name);
    await page.locator('input[name=password]').fill('x');
    await page.locator('button[type=submit]').click();
    await page.getByRole('button', { name: 'Continue' }).click();
    return page;
  }

  /** What the browser has reported on pages that were closed since the last call. */
  takeComplaints(): readonly string[] {
    return this.complaints.splice(0);
  }

  private openIdSettings(issuer: string): Readonly<Record<string, string>> {
    return {
      ISTHMUS_PUBLIC_URL: this.base,
      ISTHMUS_AUTH_JWKS_URL: `${issuer}/jwks`,
      ISTHMUS_AUTH_ISSUER: issuer,
      ISTHMUS_ADMIN_OPENID_ISSUER: issuer,
      ISTHMUS_ADMIN_OPENID_CLIENT_ID: CLIENT_ID,
      ISTHMUS_ADMIN_OPENID_CLIENT_SECRET: CLIENT_SECRET,
      ISTHMUS_ADMIN_OPENID_RESOURCE: this.base,
    };
  }
}
