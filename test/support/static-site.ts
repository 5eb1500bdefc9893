import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, relative } from 'node:path';

/** The contents by path, for example `/page.js`. `/` is the page itself. */
export type SiteFiles = ReadonlyMap<string, string | Buffer>;

export interface StaticSite {
  /** Its origin is a port of its own. */
  readonly url: string;
  close(): void;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Serves the files to browsers of this machine, on a free port. */
export async function serveSite(files: SiteFiles): Promise<StaticSite> {
  const server = createServer(({ url = '/' }, response) => {
    const { pathname } = new URL(url, 'http://localhost');
    const content = files.get(pathname);
    if (content === undefined) return void response.writeHead(404).end();
    const type = CONTENT_TYPES[extname(pathname)] ?? 'text/html; charset=utf-8';
    response.writeHead(200, { 'content-type': type }).end(content);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The files of a built web application, whose `index.html` becomes the page itself. */
export async function readSite(folder: string): Promise<SiteFiles> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const files = paths.map(async (path) => [toUrlPath(relative(folder, path)), await readFile(path)] as const);
  return new Map(await Promise.all(files));
}

const toUrlPath = (path: string): string => (path === 'index.html' ? '/' : `/${path.replaceAll('\\', '/')}`);
