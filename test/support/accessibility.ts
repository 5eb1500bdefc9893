import axe from 'axe-core';
import type { Page } from 'playwright-core';

const WIDTHS = [360, 1440] as const;
const SCHEMES = ['light', 'dark'] as const;
const HEIGHT = 900;

/** Returns what axe-core objects to on a page, in both colour schemes and at both widths. Empty: nothing. */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: HEIGHT });
      const found = await faultsOf(page);
      faults.push(...found.map((fault) => `${colorScheme}, ${width} px: ${fault}`));
    }
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
