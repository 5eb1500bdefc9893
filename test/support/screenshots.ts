import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Page } from 'playwright-core';

const QUALITY = 85;

/** Writes a picture of the window as WebP, once the page has read what it shows. Returns the number of bytes. */
export async function takeScreenshot(page: Page, file: string): Promise<number> {
  await page
    .getByText(/^Loading /)
    .first()
    .waitFor({ state: 'detached' });
  const browser = await page.context().newCDPSession(page);
  const { data } = await browser.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY });
  await browser.detach();
  await mkdir(dirname(file), { recursive: true });
  const picture = Buffer.from(data, 'base64');
  await writeFile(file, picture);
  return picture.length;
}
