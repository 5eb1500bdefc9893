import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { chromium, type LaunchOptions, type Page } from 'playwright-core';
import { scaleDeadline } from '#lib/testing/machine-speed';

const BINARIES = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '../bin');
const CHROMIUM = join(BINARIES, 'chromium');
/** The package holds Chromium for this platform. Elsewhere the tests use Google Chrome. */
const IS_PACKAGED = process.platform === 'linux' && process.arch === 'x64';
const WHAT_TO_INSTALL = IS_PACKAGED
  ? 'Install the libraries that Chromium needs: node scripts/install-test-services.mjs'
  : 'Install Google Chrome, or run the tests on Linux on x64: https://www.google.com/chrome/';

/** Longest time that a step in a page may take. */
const STEP_TIMEOUT_MS = scaleDeadline(60_000);

export interface OpenPage {
  readonly page: Page;
  close(): Promise<void>;
}

/**
 * Starts Chromium with an empty profile and opens an empty page.
 * @throws when no browser can be started, with what to install
 */
export async function openPage(): Promise<OpenPage> {
  const browser = await launch(IS_PACKAGED ? { executablePath: await unpackChromium() } : { channel: 'chrome' });
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(STEP_TIMEOUT_MS);
  return { page, close: () => browser.close() };
}

async function launch(which: LaunchOptions) {
  try {
    const args = ['--disable-gpu', '--disable-dev-shm-usage'];
    return await chromium.launch({ ...which, timeout: STEP_TIMEOUT_MS, args });
  } catch (cause) {
    throw new Error(`The browser of the tests did not start. ${WHAT_TO_INSTALL}`, { cause });
  }
}

/** The package holds the browser compressed, for machines that cannot download it. Returns the path of the program. */
async function unpackChromium(): Promise<string> {
  if (existsSync(CHROMIUM)) return CHROMIUM;
  const partial = `${CHROMIUM}.${process.pid}`;
  const packed = createReadStream(`${CHROMIUM}.br`);
  await pipeline(packed, createBrotliDecompress(), createWriteStream(partial, { mode: 0o755 }));
  await rename(partial, CHROMIUM);
  return CHROMIUM;
}
