import type { JsonObject } from '#lib/mcp-protocol';
import type { Fault } from './registry.errors.js';

/** Sections of the configuration file that name their entries. */
export const SECTIONS = ['servers', 'virtualServers', 'teams', 'policies', 'limits', 'guardrails', 'secrets'] as const;
export type Section = (typeof SECTIONS)[number];

/** The desired state of an entry. */
export interface DesiredEntry {
  readonly section: Section;
  readonly slug: string;
  readonly source: JsonObject;
}

export interface ApplyOptions {
  /** Deletes entries that were created over the admin API and are not among the desired ones. */
  readonly replace: boolean;
  /** Returns the changes without making them. */
  readonly dryRun: boolean;
}

/** The paths of the entries that were changed, such as `servers.weather`. */
export interface AppliedChanges {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly deleted: readonly string[];
  readonly unchanged: readonly string[];
  /**
   * References of the desired entries to servers and teams that do not exist afterwards, and extensions that must be loaded before they
   * can be used.
   */
  readonly warnings: readonly Fault[];
}
