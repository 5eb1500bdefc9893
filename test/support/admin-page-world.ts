import type { Page } from 'playwright-core';
import { startRedis } from '#lib/testing/redis-server';
import { AdminClient } from './admin-client.js';
import { openPage } from './browser.js';
import { startCluster, type TestCluster } from './cluster.js';
import type { GatewaySetup } from './gateway.js';
import { until } from './until.js';

/** Two workers with a shared Redis, and a browser that has logged in to the admin page of the first. */
export interface AdminPageWorld {
  readonly cluster: TestCluster;
  readonly page: Page;
  /** `http://127.0.0.1:port/admin/ui/` */
  readonly url: string;
  /** Reads and prepares what a page shows, as `admin`. */
  readonly admin: AdminClient;
  /** What the browser has reported so far: failed scripts, refused content, and requests to other hosts. */
  readonly complaints: readonly string[];
  /** Loads a page by its path behind the `#`, such as `/servers`. What was not saved is lost. */
  open(path: string): Promise<void>;
  /** Logs in with a token of these roles. */
  login(roles: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export interface AdminPageSetup extends GatewaySetup {
  /** Roles of the person who uses the page. Default: `admin`. */
  readonly roles?: readonly string[];
}

/** Resolves when the page is logged in and both workers know each other. Needs a build. */
export async function startAdminPageWorld({ roles = ['admin'], ...setup }: AdminPageSetup): Promise<AdminPageWorld> {
  const redis = await startRedis();
  const ending: (() => Promise<unknown>)[] = [() => redis.stop()];
  const close = async () => {
    for (const end of ending.splice(0).toReversed()) await end();
  };
  try {
    const cluster = await startCluster({ workers: 2, redis: redis.url, ...setup });
    ending.push(() => cluster.stop());
    const { page, close: closeBrowser } = await openPage();
    ending.push(closeBrowser);
    const [worker] = cluster.workers;
    if (!worker) throw new Error('No worker runs.');
    const url = `${worker.url}/admin/ui/`;
    const complaints = watch(page, url);
    // Changes that a test has left unsaved are discarded.
    page.on('dialog', (dialog) => void dialog.accept());
    const open = async (path: string): Promise<void> => {
      // A new document: the address of another page differs only behind the `#`.
      await page.goto('about:blank');
      await page.goto(`${url}#${path}`);
    };
    const login = async (own: readonly string[]) => {
      await page.getByLabel('Token', { exact: true }).fill(await cluster.token({ subject: 'ada', roles: own }));
      await page.getByRole('button', { name: 'Log in', exact: true }).click();
      await page.getByRole('navigation', { name: 'Pages' }).waitFor({ state: 'attached' });
    };
    const admin = new AdminClient(cluster, ['admin']);
    await open('/');
    await login(roles);
    await until(async () => ((await admin.get(worker, '/workers')).json['items'] as unknown[]).length === 2);
    return { cluster, page, url, admin, complaints, open, login, close };
  } catch (cause) {
    await close();
    throw cause;
  }
}

/** Blocks every other host, and collects what should not happen on any page. */
function watch(page: Page, url: string): readonly string[] {
  const complaints: string[] = [];
  const { origin } = new URL(url);
  void page.route(
    (target) => target.origin !== origin && target.protocol !== 'about:',
    (route, request) => {
      complaints.push(`requested ${request.url()}`);
      return route.abort();
    },
  );
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => {
    // A refused request is not a fault of the page, which shows it.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text());
  });
  return complaints;
}
