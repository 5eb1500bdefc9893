import { Injectable, Logger } from '@nestjs/common';
import { isListMethod, repairList, type Outcome } from '#lib/mcp-protocol';
import { ServerHealth } from '../../connections/index.js';
import { rememberOriginal } from '../../items/index.js';
import type { AddressedRequest } from '../call-delivery.js';
import { toListWarning, withWarnings } from './list-warnings.js';

/** Maximum number of warnings that are remembered, so that each is logged once. */
const MAX_LOGGED = 1_000;

/**
 * Repairs pages of servers: a client refuses a whole list for one item that it cannot read. What was repaired or left out is
 * named in the `_meta` of the page, in the log, and in the health of the server.
 */
@Injectable()
export class ListRepair {
  private readonly logger = new Logger('Lists');
  private readonly logged = new Set<string>();

  constructor(private readonly health: ServerHealth) {}

  /** Returns the same outcome if nothing is repaired, and for a request that is not for a list. */
  run({ server, request: { method, params } }: AddressedRequest, outcome: Outcome): Outcome {
    if (outcome.kind !== 'result' || !isListMethod(method)) return outcome;
    const { cursor } = params;
    const repaired = repairList(method, outcome.result, { serverEra: outcome.serverEra, cursor });
    if (!repaired) return outcome;
    for (const { item, original } of repaired.items) if (item !== original) rememberOriginal(item, original);
    const { slug } = server;
    const { warnings } = repaired;
    this.health.recordListWarnings(slug, { method, isFirstPage: cursor === undefined, warnings });
    for (const warning of warnings) this.log(`${slug}: ${warning}`);
    if (warnings.length === 0)
      return repaired.result === outcome.result ? outcome : { ...outcome, result: repaired.result };
    return {
      ...outcome,
      result: withWarnings(
        repaired.result,
        warnings.map((message) => toListWarning(slug, message)),
      ),
    };
  }

  private log(message: string): void {
    if (this.logged.has(message)) return;
    if (this.logged.size >= MAX_LOGGED) this.logged.clear();
    this.logged.add(message);
    this.logger.warn(message);
  }
}
