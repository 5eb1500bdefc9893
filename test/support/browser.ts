import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { rolldown } from 'rolldown';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';

const BINARIES = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '../bin');
const CHROMIUM = join(BINARIES, 'chromium');

/** The package holds a browser for this platform only. */
export const HAS_BROWSER = process.platform === 'linux' && process.arch === 'x64';

const REPORT_TIMEOUT_MS = scaleDeadline(60_000);

export interface PageOptions {
  /** Module that runs in the page. It reads `globalThis.options` and posts its report to `/report`. */
  readonly script: string;
  readonly options: JsonObject;
}

/** Opens a page in Chromium, whose origin is a port of its own, and returns what its script reports. */
export async function runPage({ script, options }: PageOptions): Promise<JsonObject> {
  const site = await serveSite(await bundle(script), options);
  const profile = await mkdtemp(join(tmpdir(), 'isthmus-browser-'));
  const browser = await startChromium(`http://localhost:${site.port}/`, profile);
  try {
    return await Promise.race([site.report, failAtExit(browser)]);
  } finally {
    await browser.close();
    site.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The page's script with its imports, as one file for browsers. */
async function bundle(script: string): Promise<string> {
  const bundled = await rolldown({ input: script, platform: 'browser' });
  const { output } = await bundled.generate({ format: 'esm', codeSplitting: false });
  await bundled.close();
  return output[0].code;
}

interface Site {
  readonly port: number;
  readonly report: Promise<JsonObject>;
  close(): void;
}

async function serveSite(script: string, options: JsonObject): Promise<Site> {
  const page = `<!doctype html><script>options = ${JSON.stringify(options)}</script><script type="module" src="/page.js"></script>`;
  let receive: (report: JsonObject) => void = () => undefined;
  const report = new Promise<JsonObject>((resolve) => (receive = resolve));
  const server: Server = createServer((request, response) => {
    if (request.url === '/') return send(response, 'text/html', page);
    if (request.url === '/page.js') return send(response, 'text/javascript', script);
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      send(response, 'text/plain', '');
      const read = text === '' ? {} : (JSON.parse(text) as JsonValue);
      if (request.url === '/report' && isJsonObject(read)) receive(read);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    report,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const send = (response: ServerResponse, type: string, body: string): void =>
  void response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(body);

interface Browser {
  readonly exit: Promise<unknown>;
  output(): string;
  close(): Promise<unknown>;
}

async function startChromium(url: string, profile: string): Promise<Browser> {
  await unpackChromium();
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    `--user-data-dir=${profile}`,
  ];
  const child = spawn(CHROMIUM, [...flags, url], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exit = once(child, 'exit').catch(() => undefined);
  return {
    exit,
    output: () => output,
    close: () => {
      // The group: Chromium is several processes.
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
      return exit;
    },
  };
}

/** The package holds the browser compressed, for machines that cannot download it. */
async function unpackChromium(): Promise<void> {
  if (existsSync(CHROMIUM)) return;
  const partial = `${CHROMIUM}.${process.pid}`;
  const packed = createReadStream(`${CHROMIUM}.br`);
  await pipeline(packed, createBrotliDecompress(), createWriteStream(partial, { mode: 0o755 }));
  await rename(partial, CHROMIUM);
}

async function failAtExit({ exit, output }: Browser): Promise<never> {
  const timer = AbortSignal.timeout(REPORT_TIMEOUT_MS);
  await Promise.race([exit, once(timer, 'abort')]);
  throw new Error(`The page reported nothing. Chromium wrote: ${output()}`);
}
