import { Controller, Get, Header, Headers, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { GatewayConfig } from '../gateway.config.js';
import { createLandingPage } from './landing-page.js';

const ADMIN_PAGE = '/admin/ui/';
const FOUND = 302;

/**
 * Leads browsers to the admin page, and describes the gateway and its endpoints to programs. Needs no token, and reveals nothing
 * about the installation.
 */
@Controller()
export class LandingPageController {
  private readonly page: ReturnType<typeof createLandingPage>;

  constructor(gateway: GatewayConfig) {
    this.page = createLandingPage(gateway.publicPath);
  }

  @Get()
  @Header('vary', 'Accept, Origin')
  @Header('cache-control', 'public, max-age=300')
  @Header('x-content-type-options', 'nosniff')
  show(@Headers('accept') accept: string | undefined, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    const kind = kindFor(accept);
    if (kind === 'browser') return void reply.redirect(ADMIN_PAGE, FOUND);
    void reply.type(TYPES[kind]);
    return this.page[kind];
  }
}

type Kind = 'browser' | 'json' | 'text';

const TYPES = {
  json: 'application/json; charset=utf-8',
  text: 'text/plain; charset=utf-8',
};

/** Browsers request HTML and programs JSON. A client that accepts any type, such as curl, receives text for a terminal. */
function kindFor(accept = '*/*'): Kind {
  if (accept.includes('text/html')) return 'browser';
  return accept.includes('application/json') ? 'json' : 'text';
}
