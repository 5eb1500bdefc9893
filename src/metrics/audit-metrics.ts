import { Injectable } from '@nestjs/common';
import { AuditSinks, type AuditSinkStatus } from '../audit/index.js';
import type { Meters } from './meters.js';
import { counter, sum } from './observed-metrics.js';

/** Whether the audit log can be written, and what it has lost. */
@Injectable()
export class AuditMetrics {
  constructor(private readonly sinks: AuditSinks) {}

  register(meters: Meters): void {
    const isDown = () => this.total(({ isUp }) => Number(!isUp));
    const buffered = () => this.total((status) => status.buffered);
    const lost = () => this.total((status) => status.lost);
    const down = 'Databases and streams that do not accept audit records, at all workers.';
    meters.observe(sum('isthmus_audit_sinks_down', down, isDown));
    meters.observe(sum('isthmus_audit_buffered', 'Audit records that wait for a database or stream.', buffered));
    meters.observe(
      counter('isthmus_audit_lost_total', 'Audit records that were discarded because too many waited.', lost),
    );
  }

  private total(read: (status: AuditSinkStatus) => number): number {
    return this.sinks.status().reduce((value, status) => value + read(status), 0);
  }
}
