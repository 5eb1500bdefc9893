import { Injectable } from '@nestjs/common';
import { result, type Outcome } from '#lib/mcp-protocol';
import { MethodHandler } from '../inbound.js';

/** Says that the gateway is there. */
@Injectable()
export class PingHandler extends MethodHandler {
  readonly methods = ['ping'];

  handle(): Promise<Outcome> {
    return Promise.resolve(result({}));
  }
}
