import { Controller, Get, Header, Headers, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { GatewayConfig } from '../gateway.config.js';
import { createLandingPage } from './landing-page.js';

/** Describes the gateway and links to its endpoints. Needs no token, and reveals nothing about the installation. */
@Controller()
export class LandingPageController {
  private readonly page: ReturnType<typeof createLandingPage>;

  constructor(gateway: GatewayConfig) {
    this.page = createLandingPage(gateway.publicPath);
  }

  @Get()
  @Header('vary', 'Accept, Origin')
  @Header('cache-control', 'public, max-age=300')
  @Header('content-security-policy', "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
  @Header('x-content-type-options', 'nosniff')
  show(@Headers('accept') accept: string | undefined, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    const kind = kindFor(accept);
    void reply.type(TYPES[kind]);
    return this.page[kind];
  }
}

type Kind = 'html' | 'json' | 'text';

const TYPES: Readonly<Record<Kind, string>> = {
  html: 'text/html; charset=utf-8',
  json: 'application/json; charset=utf-8',
  text: 'text/plain; charset=utf-8',
};

/** Browsers request HTML and programs JSON. A client that accepts any type, such as curl, receives text for a terminal. */
function kindFor(accept = '*/*'): Kind {
  if (accept.includes('text/html')) return 'html';
  return accept.includes('application/json') ? 'json' : 'text';
}
