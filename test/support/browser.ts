import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { chromium, type Page } from 'playwright-core';
import { scaleDeadline } from '#lib/testing/machine-speed';

const BINARIES = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '../bin');
const CHROMIUM = join(BINARIES, 'chromium');

/** The package holds a browser for this platform only. */
export const HAS_BROWSER = process.platform === 'linux' && process.arch === 'x64';

/** Longest time that a step in a page may take. */
const STEP_TIMEOUT_MS = scaleDeadline(60_000);

export interface OpenPage {
  readonly page: Page;
  close(): Promise<void>;
}

/** Starts Chromium with an empty profile and opens an empty page. */
export async function openPage(): Promise<OpenPage> {
  await unpackChromium();
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    timeout: STEP_TIMEOUT_MS,
    args: ['--disable-gpu', '--disable-dev-shm-usage'],
  });
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(STEP_TIMEOUT_MS);
  return { page, close: () => browser.close() };
}

/** The package holds the browser compressed, for machines that cannot download it. */
async function unpackChromium(): Promise<void> {
  if (existsSync(CHROMIUM)) return;
  const partial = `${CHROMIUM}.${process.pid}`;
  const packed = createReadStream(`${CHROMIUM}.br`);
  await pipeline(packed, createBrotliDecompress(), createWriteStream(partial, { mode: 0o755 }));
  await rename(partial, CHROMIUM);
}
