import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fastify, type FastifyInstance } from 'fastify';
import { servePage } from './serve-page.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-page-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>The page</title>');
  await writeFile(join(folder, 'icon.svg'), '<svg/>');
  await writeFile(join(folder, 'assets', 'index-1a2b.js'), 'export {};');
  await writeFile(join(folder, 'assets', 'index-1a2b.js.br'), 'as brotli');
  await writeFile(join(folder, 'assets', 'index-1a2b.js.gz'), 'as gzip');
  await writeFile(join(folder, '..', 'outside.txt'), 'a secret');
});

afterAll(() => rm(folder, { recursive: true }));

async function serve(options: Partial<Parameters<typeof servePage>[1]> = {}): Promise<FastifyInstance> {
  const server = fastify({ routerOptions: { ignoreTrailingSlash: true } });
  await server.register(async (scope) => servePage(scope, { folder, isHttps: false, ...options }), {
    prefix: '/admin/ui',
  });
  return server;
}

describe('the files of the admin page', () => {
  it.each([
    ['/admin/ui/', 'text/html; charset=utf-8', 'no-cache'],
    ['/admin/ui/icon.svg', 'image/svg+xml', 'no-cache'],
    ['/admin/ui/assets/index-1a2b.js', 'application/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
  ])('are served at %s with their type and lifetime', async (url, type, lifetime) => {
    const { statusCode, headers } = await (await serve()).inject(url);
    expect([statusCode, headers['content-type'], headers['cache-control']]).toEqual([200, type, lifetime]);
  });

  it.each([
    ['gzip, deflate, br', 'br', 'as brotli'],
    ['gzip', 'gzip', 'as gzip'],
    ['identity', undefined, 'export {};'],
  ])('are sent as the build has compressed them to a browser that accepts %j', async (accepted, encoding, content) => {
    const request = { url: '/admin/ui/assets/index-1a2b.js', headers: { 'accept-encoding': accepted } };
    const { headers, body } = await (await serve()).inject(request);
    expect([headers['content-encoding'], body]).toEqual([encoding, content]);
    expect(headers).toMatchObject({
      'content-type': 'application/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    });
  });

  it.each(['/admin/ui', '/admin/ui/servers/x'])(
    'lead from %s to the page, whose addresses are relative',
    async (url) => {
      const { statusCode, headers } = await (await serve()).inject(url);
      expect([statusCode, headers.location]).toEqual([302, '/admin/ui/']);
    },
  );

  it.each(['/admin/ui/assets/index-0000.js', '/admin/ui/../../outside.txt', '/admin/ui/..%2foutside.txt'])(
    'answer 404 or 403 at %s without the content of another file',
    async (url) => {
      const { statusCode, body, headers } = await (await serve()).inject(url);
      expect([403, 404]).toContain(statusCode);
      expect(body).not.toContain('a secret');
      expect(headers['cache-control'] ?? '').not.toContain('immutable');
    },
  );

  it('may load nothing from elsewhere, run nothing inline and be framed by no page', async () => {
    const { headers } = await (await serve()).inject('/admin/ui/');
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    });
    const policy = String(headers['content-security-policy']).split(';');
    expect(policy).toEqual(
      expect.arrayContaining(["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]),
    );
    expect(policy.join()).not.toMatch(/unsafe|https?:|data:|\*/);
  });

  it('require https in the future only if the gateway is public over https', async () => {
    const find = async (isHttps: boolean) =>
      (await (await serve({ isHttps })).inject('/admin/ui/')).headers['strict-transport-security'];
    expect([await find(false), await find(true)]).toEqual([undefined, 'max-age=31536000']);
  });
});

it.each(['/admin/ui/', '/admin/ui/assets/index-1a2b.js'])(
  'explains at %s how to build the page when it is missing',
  async (url) => {
    const server = await serve({ folder: join(folder, 'missing') });
    const { statusCode, body, headers } = await server.inject(url);
    expect([statusCode, headers['content-type']]).toEqual([503, 'text/html; charset=utf-8']);
    expect(body).toContain('npm run build');
  },
);
