import type { CallRecord } from '#lib/extension-kit';
import { OTHER, type UsageRow, type UsageSubject } from './usage-row.js';

/** Maximum number of rows in memory. Beyond it, calls are counted in one row per hour for all others. */
const MAX_ROWS = 2_000;
/** Maximum number of tools that have rows of their own, over the life of the worker. */
const MAX_TOOLS = 10_000;
const MAX_NAME_LENGTH = 256;
const MAX_TEAMS_LENGTH = 1_000;
const HOUR_MS = 3_600_000;

const OTHERS: UsageSubject = { issuer: OTHER, subject: OTHER, teams: '', server: OTHER, tool: OTHER };

type GrowingRow = { -readonly [Member in keyof UsageRow]: UsageRow[Member] };

/** Adds up the usage of this worker until it is written. */
export class UsageAggregate {
  private rows = new Map<string, GrowingRow>();
  private readonly tools = new Set<string>();

  get size(): number {
    return this.rows.size;
  }

  add(record: CallRecord): void {
    const row = this.findRow(Math.floor(record.at / HOUR_MS) * HOUR_MS, this.toSubject(record));
    const { outcome, code, isToolError, serverMs, bytesIn = 0, bytesOut = 0 } = record;
    row.calls += 1;
    if (outcome === 'not_executed') row.refused += 1;
    else if (outcome === 'unknown') row.unknown += 1;
    else if (code !== undefined || isToolError) row.failed += 1;
    row.serverMs += serverMs;
    row.bytesIn += bytesIn;
    row.bytesOut += bytesOut;
  }

  /** Returns the rows, and forgets them. */
  take(): readonly UsageRow[] {
    const rows = [...this.rows.values()];
    this.rows = new Map();
    return rows;
  }

  private findRow(hour: number, subject: UsageSubject): GrowingRow {
    const known = this.rows.get(toKey(hour, subject));
    if (known) return known;
    return this.rows.size < MAX_ROWS ? this.addRow(hour, subject) : this.findOthers(hour);
  }

  private findOthers(hour: number): GrowingRow {
    return this.rows.get(toKey(hour, OTHERS)) ?? this.addRow(hour, OTHERS);
  }

  private addRow(hour: number, subject: UsageSubject): GrowingRow {
    const row = { hour, ...subject, ...NOTHING };
    this.rows.set(toKey(hour, subject), row);
    return row;
  }

  private toSubject({ principal, teams = [], server = '', serverEra, method, item }: CallRecord): UsageSubject {
    const isTool = method === 'tools/call' && item !== undefined && server !== '';
    return {
      issuer: truncate(principal?.issuer ?? ''),
      subject: truncate(principal?.subject ?? ''),
      teams: joinTeams(teams),
      server,
      tool: isTool ? this.toToolName(server, item, serverEra !== undefined) : '',
    };
  }

  /** Callers choose the names of tools that do not exist, so a tool has rows once its server was called with it. */
  private toToolName(server: string, item: string, isReached: boolean): string {
    const key = `${server} ${item}`;
    if (!this.tools.has(key)) {
      if (!isReached || this.tools.size >= MAX_TOOLS) return OTHER;
      this.tools.add(key);
    }
    return truncate(item);
  }
}

const NOTHING = { calls: 0, refused: 0, failed: 0, unknown: 0, serverMs: 0, bytesIn: 0, bytesOut: 0 } as const;

const truncate = (name: string): string => name.slice(0, MAX_NAME_LENGTH);

const toKey = (hour: number, { issuer, subject, teams, server, tool }: UsageSubject): string =>
  `${hour}\n${server}\n${tool}\n${teams}\n${issuer}\n${subject}`;

function joinTeams(teams: readonly string[]): string {
  if (teams.length < 2) return teams[0] ?? '';
  const joined = teams.toSorted().join(',');
  // Whole names only: a part of one could be another team.
  return joined.length <= MAX_TEAMS_LENGTH ? joined : joined.slice(0, joined.lastIndexOf(',', MAX_TEAMS_LENGTH));
}
