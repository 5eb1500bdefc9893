import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '#lib/time';
import { GatewayEvents } from '../events/index.js';
import { SessionPool, type Session } from '../session-pool/index.js';
import { fingerprintOf } from '../telemetry/index.js';

/** Emits `session.opened` and `session.ended`, if anybody listens. */
@Injectable()
export class SessionEvents implements OnModuleInit {
  constructor(
    private readonly sessions: SessionPool,
    private readonly events: GatewayEvents,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.sessions.onOpen((session) => this.emitOpened(session));
    this.sessions.onEnd((session) => this.emitEnded(session));
  }

  private emitOpened(session: Session): void {
    if (!this.events.isHeard('session.opened')) return;
    const data = describe(session);
    this.events.emit('session.opened', { occurrence: data.session, quietMs: 0, data });
  }

  private emitEnded(session: Session): void {
    if (!this.events.isHeard('session.ended')) return;
    // Another worker may have begun the session by its own clock.
    const durationMs = Math.max(0, this.clock.now() - session.startedAt);
    const data = { ...describe(session), durationMs };
    this.events.emit('session.ended', { occurrence: data.session, quietMs: 0, data });
  }
}

const describe = ({ id, start: { endpoint, caller } }: Session) => ({
  session: fingerprintOf(id),
  endpoint,
  principal: caller.key,
});
