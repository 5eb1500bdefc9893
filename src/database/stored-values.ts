/**
 * How booleans, instants and JSON lie in a row. SQLite knows neither of them; these types and functions make a
 * repository the same over both databases: it writes what it means, and reads through here.
 */
import type { ColumnType } from 'kysely';
import type { JsonValue } from '#lib/mcp-protocol';

export type StoredBoolean = ColumnType<boolean | number, boolean, boolean>;
export type StoredInstant = ColumnType<Date | string, Date, Date>;
/** Its text, so that it comes back with its members in their order. */
export type StoredJson = ColumnType<string, string, string>;

export const readBoolean = (stored: boolean | number): boolean => stored === true || stored === 1;
export const readInstant = (stored: Date | string): Date => new Date(stored);
export const readJson = (stored: string): JsonValue => JSON.parse(stored) as JsonValue;
export const writeJson = (value: JsonValue): string => JSON.stringify(value);

export type DatabaseKind = 'sqlite' | 'postgres';

/** What a migration calls the columns for them. */
export interface ColumnTypes {
  readonly boolean: 'boolean' | 'integer';
  readonly instant: 'timestamptz' | 'text';
  readonly json: 'json' | 'text';
}

export const COLUMN_TYPES: Readonly<Record<DatabaseKind, ColumnTypes>> = {
  sqlite: { boolean: 'integer', instant: 'text', json: 'text' },
  postgres: { boolean: 'boolean', instant: 'timestamptz', json: 'json' },
};
