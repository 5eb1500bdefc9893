/**
 * Column types for booleans, instants and JSON. SQLite has none of the three. With these types and functions a repository
 * has one code for both databases: it writes native values and reads columns through these functions.
 */
import type { ColumnType } from 'kysely';
import type { JsonValue } from '#lib/mcp-protocol';

export type StoredBoolean = ColumnType<boolean | number, boolean, boolean>;
export type StoredInstant = ColumnType<Date | string, Date, Date>;
/** Stored as text, so that the members of an object keep their order. */
export type StoredJson = ColumnType<string, string, string>;

export const readBoolean = (stored: boolean | number): boolean => stored === true || stored === 1;
export const readInstant = (stored: Date | string): Date => new Date(stored);
export const readJson = (stored: string): JsonValue => JSON.parse(stored) as JsonValue;
export const writeJson = (value: JsonValue): string => JSON.stringify(value);

export type DatabaseKind = 'sqlite' | 'postgres';

/** The column types that a migration uses, by kind of value. */
export interface ColumnTypes {
  readonly boolean: 'boolean' | 'integer';
  readonly instant: 'timestamptz' | 'text';
  readonly json: 'json' | 'text';
}

export const COLUMN_TYPES: Readonly<Record<DatabaseKind, ColumnTypes>> = {
  sqlite: { boolean: 'integer', instant: 'text', json: 'text' },
  postgres: { boolean: 'boolean', instant: 'timestamptz', json: 'json' },
};
