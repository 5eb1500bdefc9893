import { Injectable } from '@nestjs/common';
import { Database } from '../database/index.js';
import { UsageLog } from './usage-log.js';
import type { UsageCounts } from './usage-row.js';
import { UsageTable, type UsageColumn, type UsageFilter, type UsageGroup } from './usage-table.js';

/** By what usage can be broken down. */
export const USAGE_DIMENSIONS = ['principal', 'team', 'server', 'tool'] as const;
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number];

/** Usage of one combination of the dimensions. A dimension that does not apply to the calls is absent. */
export interface UsageItem extends UsageCounts {
  readonly principal?: { readonly issuer: string; readonly subject: string };
  readonly team?: string;
  readonly server?: string;
  readonly tool?: string;
}

export interface UsageSummary {
  readonly total: UsageCounts;
  /** Those with the most calls first. */
  readonly items: readonly UsageItem[];
  /** True if there are further items. */
  readonly isTruncated: boolean;
}

const COLUMNS: Readonly<Record<UsageDimension, readonly UsageColumn[]>> = {
  principal: ['issuer', 'subject'],
  team: ['teams'],
  server: ['server'],
  // Tools of two servers are two tools.
  tool: ['server', 'tool'],
};

/** Maximum number of combinations that are read to count each call for every team of its caller. */
const MAX_GROUPS = 10_000;

/** Answers who used what. */
@Injectable()
export class UsageReport {
  private readonly table: UsageTable;

  constructor(
    database: Database,
    private readonly log: UsageLog,
  ) {
    this.table = new UsageTable(database);
  }

  /** The calls of other workers of the last seconds may be missing. @throws DatabaseUnavailable */
  async summarize(filter: UsageFilter, by: readonly UsageDimension[], limit: number): Promise<UsageSummary> {
    await this.log.flush();
    const total = await this.table.total(filter);
    if (by.length === 0) return { total, items: [], isTruncated: false };
    const columns = [...new Set(by.flatMap((dimension) => COLUMNS[dimension]))];
    const isByTeam = by.includes('team');
    const groups = await this.table.sum(filter, columns, isByTeam ? MAX_GROUPS : limit + 1);
    const items = isByTeam ? splitByTeam(groups, filter.team) : groups.map((group) => toItem(group, undefined));
    return {
      total,
      items: items.slice(0, limit),
      isTruncated: items.length > limit || (isByTeam && groups.length === MAX_GROUPS),
    };
  }
}

/** A call counts for each team of its caller. */
function splitByTeam(groups: readonly UsageGroup[], only: string | undefined): UsageItem[] {
  const items = new Map<string, UsageItem>();
  for (const group of groups) {
    const teams = (group.teams ?? '').split(',').filter((team) => only === undefined || team === only);
    for (const team of teams) {
      const item = toItem(group, team);
      const { principal, server, tool } = item;
      const key = JSON.stringify([team, principal, server, tool]);
      const known = items.get(key);
      items.set(key, known ? { ...item, ...add(known, item) } : item);
    }
  }
  return [...items.values()].toSorted((one, other) => other.calls - one.calls);
}

function toItem({ issuer, subject, teams: _teams, server, tool, ...counts }: UsageGroup, team?: string): UsageItem {
  return {
    ...(issuer && { principal: { issuer, subject: subject ?? '' } }),
    ...(team && { team }),
    ...(server && { server }),
    ...(tool && { tool }),
    ...counts,
  };
}

const add = (one: UsageCounts, other: UsageCounts): UsageCounts => ({
  calls: one.calls + other.calls,
  refused: one.refused + other.refused,
  failed: one.failed + other.failed,
  unknown: one.unknown + other.unknown,
  serverMs: one.serverMs + other.serverMs,
  bytesIn: one.bytesIn + other.bytesIn,
  bytesOut: one.bytesOut + other.bytesOut,
});
