import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Controller, Get, Header, Param, Res, StreamableFile, UseFilters } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ResourceNotFound } from '../admin.errors.js';
import { ProblemFilter } from '../problem-filter.js';
import { PAGE, SCRIPT } from './docs-page.js';

const DIST = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

const JAVASCRIPT = 'text/javascript; charset=utf-8';
const FILES: ReadonlyMap<string, string> = new Map([
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', JAVASCRIPT],
]);

/** Swagger UI needs inline styles. Everything else must come from this origin. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Serves a page to browse and try the admin API. The page is public; it loads the document with the token of its user. */
@Controller('admin/v1/docs')
@UseFilters(ProblemFilter)
export class DocsPageController {
  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', POLICY)
  @Header('x-content-type-options', 'nosniff')
  @Header('referrer-policy', 'no-referrer')
  page(): string {
    return PAGE;
  }

  @Get('page.js')
  @Header('content-type', JAVASCRIPT)
  script(): string {
    return SCRIPT;
  }

  @Get(':file')
  @Header('cache-control', 'public, max-age=3600')
  @Header('x-content-type-options', 'nosniff')
  file(@Param('file') file: string, @Res({ passthrough: true }) reply: FastifyReply): StreamableFile {
    const type = FILES.get(file);
    if (type === undefined) throw new ResourceNotFound('This file');
    void reply.header('content-type', type);
    return new StreamableFile(createReadStream(join(DIST, file)));
  }
}
