import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { NARROW, showAs, WIDE, type View } from './views.js';

const VIEWS: readonly View[] = [
  { width: NARROW, colorScheme: 'light' },
  { width: WIDE, colorScheme: 'light' },
  { width: NARROW, colorScheme: 'dark' },
  { width: WIDE, colorScheme: 'dark' },
];

/**
 * Returns what axe-core objects to on a page, and by how much it is wider than the window. Empty: nothing. Default: in both
 * colour schemes and at both widths.
 */
export async function accessibilityFaults(page: Page, views: readonly View[] = VIEWS): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const view of views) {
    await showAs(page, view);
    const found = await faultsOf(page);
    faults.push(...found.map((fault) => `${view.colorScheme}, ${view.width} px: ${fault}`));
  }
  return faults;
}

async function faultsOf(page: Page): Promise<string[]> {
  // Evaluated by the browser's debugger, which the content security policy of the page does not concern.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
  const sideways = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');
  return [
    ...violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary}`),
    ),
    ...(sideways > 0 ? [`the page is ${sideways} px wider than the window`] : []),
  ];
}
