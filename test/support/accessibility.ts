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
 * Returns what axe-core objects to on a page, and by how much it is wider than the window, in both colour schemes and at
 * both widths. Empty: nothing.
 */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const view of VIEWS) {
    await showAs(page, view);
    const found = await faultsOf(page);
    faults.push(...found.map((fault) => `${view.colorScheme}, ${view.width} px: ${fault}`));
  }
  return faults;
}

/** The innermost element that extends beyond the window, and does not scroll by itself. */
const WIDEST = `[...document.querySelectorAll('main *')]
  .filter((each) => each.getBoundingClientRect().right > window.innerWidth)
  .map((each) => each.tagName.toLowerCase() + '.' + each.className + ' ' + each.textContent.slice(0, 40)).at(-1) ?? ''`;

async function faultsOf(page: Page): Promise<string[]> {
  // Evaluated by the browser's debugger, which the content security policy of the page does not concern.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
  return [
    ...violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary}`),
    ),
    ...(await overflowOf(page)),
  ];
}

/** Returns by how much a page is wider than the window, and the element that makes it so. Empty: it fits. */
export async function overflowOf(page: Page): Promise<readonly string[]> {
  const pixels = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');
  return pixels > 0 ? [`${pixels} px wider than the window: ${await page.evaluate<string>(WIDEST)}`] : [];
}
