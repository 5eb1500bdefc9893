import type { Page } from 'playwright-core';

export const WIDE = 1440;
export const NARROW = 360;

export interface View {
  readonly width: number;
  readonly colorScheme: 'light' | 'dark';
}

/** Shows the page at this width and in these colours. */
export async function showAs(page: Page, { width, colorScheme }: View): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.setViewportSize({ width, height: 900 });
}
