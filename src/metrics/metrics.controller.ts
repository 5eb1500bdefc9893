import { createHash, timingSafeEqual } from 'node:crypto';
import { Controller, Get, Header, Headers, NotFoundException, UnauthorizedException } from '@nestjs/common';
import { Metrics } from './metrics.js';
import { MetricsConfig } from './metrics.config.js';
import { METRICS_CONTENT_TYPE } from './prometheus-meters.js';

/** `GET /metrics` at the port of the gateway, for readers with the configured token. */
@Controller()
export class MetricsController {
  constructor(
    private readonly metrics: Metrics,
    private readonly config: MetricsConfig,
  ) {}

  @Get('metrics')
  @Header('content-type', METRICS_CONTENT_TYPE)
  @Header('cache-control', 'no-store')
  async read(@Headers('authorization') authorization = ''): Promise<string> {
    const { token } = this.config;
    if (token === undefined) throw new NotFoundException();
    if (!isEqual(authorization, `Bearer ${token}`)) throw new UnauthorizedException();
    return this.metrics.render();
  }
}

/** Takes equally long wherever the texts differ. */
const isEqual = (given: string, expected: string): boolean => timingSafeEqual(digest(given), digest(expected));
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
