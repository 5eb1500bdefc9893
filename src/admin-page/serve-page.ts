import { existsSync } from 'node:fs';
import { basename, join, sep } from 'node:path';
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { NOT_BUILT_PAGE } from './not-built-page.js';

interface PageOptions {
  /** Absolute path of the folder with the built page. */
  readonly folder: string;
  readonly isHttps: boolean;
}

const INDEX = 'index.html';
const HTML = 'text/html; charset=utf-8';
/** The build puts files whose names contain a hash of their content into this folder. */
const HASHED_FOLDER = 'assets';
const FOREVER = 'public, max-age=31536000, immutable';
const REVALIDATE = 'no-cache';

/** Serves the files of the admin page at the prefix of the scope. Without a built page, a page says how to build it. */
export async function servePage(scope: FastifyInstance, { folder, isHttps }: PageOptions): Promise<void> {
  await scope.register(helmet, toHeaders(isHttps));
  if (!existsSync(join(folder, INDEX))) {
    const explain = (_request: FastifyRequest, reply: FastifyReply) =>
      reply.status(503).header('cache-control', 'no-store').type(HTML).send(NOT_BUILT_PAGE);
    scope.get('/', explain);
    scope.get('/*', explain);
    return;
  }
  await scope.register(fastifyStatic, {
    root: folder,
    serve: false,
    cacheControl: false,
    preCompressed: true,
    setHeaders: (reply, path) => {
      const isHashed = path.startsWith(join(folder, HASHED_FOLDER) + sep);
      void reply.header('cache-control', isHashed ? FOREVER : REVALIDATE);
    },
  });
  scope.get('/', (request, reply) => {
    // The page refers to its files relative to its address.
    if (!pathOf(request).endsWith('/')) return reply.redirect(`${scope.prefix}/`);
    return reply.sendFile(INDEX);
  });
  scope.get('/*', (request, reply) => reply.sendFile((request.params as { '*': string })['*']));
  scope.setNotFoundHandler((request, reply) => {
    // An address without a file: the places of the page are behind `#`.
    const isFile = basename(pathOf(request)).includes('.');
    if (isFile || request.method !== 'GET') return reply.status(404).type('text/plain').send('Not found.\n');
    return reply.redirect(`${scope.prefix}/`);
  });
}

const pathOf = ({ url }: FastifyRequest): string => url.split('?', 1)[0] ?? '';

/** Everything comes from this origin, nothing is inline, and no page frames this one. */
function toHeaders(isHttps: boolean): FastifyHelmetOptions {
  const own = ["'self'"];
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: own,
        styleSrc: own,
        fontSrc: own,
        imgSrc: own,
        connectSrc: own,
        manifestSrc: own,
        formAction: own,
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Browsers would refuse http at every port of the host, also at those of other programs.
    strictTransportSecurity: isHttps ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    frameguard: { action: 'deny' },
  };
}
