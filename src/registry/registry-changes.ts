import type { JsonObject } from '#lib/mcp-protocol';

/** Sections of the configuration file that name their entries. */
export const SECTIONS = ['servers', 'virtualServers', 'teams', 'policies', 'limits'] as const;
export type Section = (typeof SECTIONS)[number];

/** An entry that is to be there. */
export interface DesiredEntry {
  readonly section: Section;
  readonly slug: string;
  readonly source: JsonObject;
}

export interface ApplyOptions {
  /** What was made over the admin API and is not among them is deleted. */
  readonly replace: boolean;
  /** Nothing is changed: only what would be is told. */
  readonly dryRun: boolean;
}

/** What came of it: `servers.weather`, and so on. */
export interface AppliedChanges {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly deleted: readonly string[];
  readonly unchanged: readonly string[];
}
