import { Injectable } from '@nestjs/common';
import { result, type Outcome } from '#lib/mcp-protocol';
import { MethodHandler, type Inbound } from '../inbound.js';

/** Answers `ping`. In a session, the session's owner answers, so a lost session is reported. */
@Injectable()
export class PingHandler extends MethodHandler {
  readonly methods = ['ping'];

  async handle({ session }: Inbound): Promise<Outcome> {
    await session?.touch();
    return result({});
  }
}
