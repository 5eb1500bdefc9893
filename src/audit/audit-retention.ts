import { Logger } from '@nestjs/common';
import type { Clock } from '#lib/time';
import type { AuditTable } from './audit-table.js';
import type { AuditConfig } from './audit.config.js';
import type { AuditKey } from './chain/audit-key.js';

const INTERVAL_MS = 3_600_000;

/** Deletes old records, and the oldest of each class beyond its quota: at the start, and every hour. */
export class AuditRetention {
  private readonly logger = new Logger('Audit');
  private cancel: (() => void) | undefined;
  private last: Promise<void> | undefined;

  constructor(
    private readonly table: AuditTable,
    private readonly key: AuditKey,
    private readonly config: AuditConfig,
    private readonly clock: Clock,
  ) {}

  start(): void {
    const prune = () => {
      this.last = this.prune();
    };
    this.cancel = this.clock.every(INTERVAL_MS, prune);
    prune();
  }

  /** Resolves when no deletion is in progress. */
  async stop(): Promise<void> {
    this.cancel?.();
    await this.last;
  }

  private async prune(): Promise<void> {
    const { table, key } = this;
    const { retentionMs, maxRecords, maxRefusals, maxCalls } = this.config;
    try {
      await table.deleteBefore(new Date(this.clock.now() - retentionMs), key);
      await table.deleteSurplus('changes', maxRecords, key);
      await table.deleteSurplus('refusals', maxRefusals, key);
      await table.deleteSurplus('unauthenticated', maxRefusals, key);
      await table.deleteSurplus('calls', maxCalls, key);
    } catch (cause) {
      this.logger.warn(`Failed to delete old audit records: ${String(cause)}`);
    }
  }
}
