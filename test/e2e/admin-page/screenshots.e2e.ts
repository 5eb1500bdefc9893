/** @waits */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { useAdminPage, type AdminPage } from '../../support/admin-page.js';
import { makeCalls, startOfficeServers, workInOffice } from '../../support/office.js';
import { takeScreenshot } from '../../support/screenshots.js';
import { NARROW, showAs, WIDE, type View } from '../../support/views.js';

const DOCUMENT = 'docs/admin-page.md';
const PICTURES = 'docs/images/admin-page';
const MAX_PICTURE_BYTES = 150 * 1024;
/** Folder to which the pictures are written. Absent: only those that are there are checked. */
const FOLDER = process.env['ISTHMUS_SCREENSHOTS'];

const LIGHT: View = { width: WIDE, colorScheme: 'light' };
const DARK: View = { width: WIDE, colorScheme: 'dark' };
const NARROW_DARK: View = { width: NARROW, colorScheme: 'dark' };

interface Picture {
  readonly name: string;
  readonly path: string;
  readonly view: View;
  /** What to do on the page before it is shown. */
  readonly act?: (world: AdminPage) => Promise<void>;
}

const shown = (page: Page, text: string | RegExp) => page.getByRole('main').getByText(text).first().waitFor();

const EXPLAINED = new URLSearchParams({ subject: 'ada', server: 'tickets', name: 'close_ticket' }).toString();
const TRIED = new URLSearchParams({
  endpoint: '/servers/tickets/mcp',
  era: 'modern',
  kind: 'tools',
  name: 'find_tickets',
  args: JSON.stringify({ words: 'printer', limit: 5 }),
}).toString();

const SHOWN: readonly Picture[] = [
  {
    name: 'overview',
    path: '/overview',
    view: LIGHT,
    act: async (world) => {
      await shown(world.page, 'billing');
      await makeCalls(world);
      await shown(world.page, /^[1-9]\d* in \d+ s$/);
    },
  },
  { name: 'servers', path: '/servers', view: LIGHT, act: ({ page }) => shown(page, /^modern,/) },
  {
    name: 'endpoint',
    path: '/endpoints/office?subject=ada',
    view: LIGHT,
    act: ({ page }) => shown(page, 'calendar__invite'),
  },
  {
    name: 'changed-tool',
    path: '/items/tools/tickets?name=close_ticket',
    view: DARK,
    act: ({ page }) => shown(page, 'Approved'),
  },
  {
    name: 'try',
    path: `/try?${TRIED}`,
    view: LIGHT,
    act: async (world) => {
      await world.button('Call').click();
      await shown(world.page, 'Two open tickets');
    },
  },
  { name: 'sessions', path: '/sessions', view: LIGHT },
  { name: 'approvals', path: '/sessions/approvals', view: NARROW_DARK },
  { name: 'connections', path: '/connections', view: LIGHT },
  {
    name: 'call',
    path: '/calls?server=documents',
    view: DARK,
    act: async ({ page }) => {
      await page.getByRole('row', { name: 'search_documents' }).first().click();
      await shown(page, 'Timeline');
    },
  },
  {
    name: 'explain',
    path: `/access/explain?${EXPLAINED}`,
    view: LIGHT,
    act: async (world) => {
      await world.button('Explain').click();
      await shown(world.page, 'Gates, in their order');
      await world.page
        .getByText('Gates, in their order')
        .evaluate((gates) => gates.scrollIntoView({ block: 'center' }));
    },
  },
  { name: 'guardrails', path: '/guardrails', view: LIGHT },
  { name: 'settings', path: '/settings', view: DARK },
];

if (FOLDER !== undefined)
  describe('an admin', () => {
    const world = useAdminPage((cleanup) => startOfficeServers(cleanup));

    beforeAll(() => workInOffice(world));

    it.each(SHOWN)('sees what the picture $name shows', async ({ name, path, view, act }) => {
      await world.open(path);
      await world.page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
      await showAs(world.page, view);
      await act?.(world);
      const bytes = await takeScreenshot(world.page, join(FOLDER, `${name}.webp`));
      expect(bytes).toBeLessThanOrEqual(MAX_PICTURE_BYTES);
    });
  });

describe(`the pictures of ${DOCUMENT}`, () => {
  const text = readFileSync(DOCUMENT, 'utf8');
  const files = SHOWN.map(({ name }) => `${name}.webp`).toSorted();

  it('are those that this test takes', () => {
    const used = [...text.matchAll(/!\[[^\]]+\]\(images\/admin-page\/([^)]+)\)/g)].map(([, file = '']) => file);
    expect(used.toSorted()).toEqual(files);
    expect(readdirSync(PICTURES).toSorted()).toEqual(files);
  });

  it('are small', () => {
    const sizes = files.map((file) => ({ file, bytes: statSync(join(PICTURES, file)).size }));
    expect(sizes.filter(({ bytes }) => bytes > MAX_PICTURE_BYTES)).toEqual([]);
  });
});
