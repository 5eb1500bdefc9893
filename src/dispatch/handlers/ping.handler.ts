import { Injectable } from '@nestjs/common';
import { result, type Outcome } from '#lib/mcp-protocol';
import { MethodHandler, type Inbound } from '../inbound.js';

/** Says that the gateway is there, and the session, where the client has one. */
@Injectable()
export class PingHandler extends MethodHandler {
  readonly methods = ['ping'];

  async handle({ session }: Inbound): Promise<Outcome> {
    await session?.touch();
    return result({});
  }
}
