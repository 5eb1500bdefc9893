import { join } from 'node:path';
import { IsOptional, IsString } from 'class-validator';
import { Env, type CombinationRules } from '#lib/config';

const FILE = 'isthmus.db';
const SCHEMES: ReadonlySet<string> = new Set(['postgres:', 'postgresql:']);

/** The database that the settings select. */
export type DatabasePlace =
  { readonly kind: 'sqlite'; readonly file: string } | { readonly kind: 'postgres'; readonly url: string };

/** The database that stores the state which administrators change while the gateway runs. */
export class DatabaseConfig implements CombinationRules {
  /**
   * URL of a PostgreSQL database that gateways on several hosts share: `postgres://user:password@host:5432/name`, with
   * `?sslmode=verify-full` for an encrypted connection. Without it, the gateway uses the SQLite file `isthmus.db` in the
   * data folder.
   */
  @Env('ISTHMUS_DATABASE_URL', { secret: true })
  @IsOptional()
  @IsString()
  readonly url?: string;

  /** Returns the database to open. `folder` is the data folder. */
  placeIn(folder: string): DatabasePlace {
    if (this.url !== undefined) return { kind: 'postgres', url: this.url };
    return { kind: 'sqlite', file: join(folder, FILE) };
  }

  combinationFaults(): readonly string[] {
    if (this.url === undefined) return [];
    const url = URL.parse(this.url);
    const isValid = url !== null && SCHEMES.has(url.protocol) && url.hostname !== '' && url.pathname.length > 1;
    if (isValid) return [];
    return [
      'ISTHMUS_DATABASE_URL: must have the form postgres://user:password@host:5432/name. ' +
        'Omit it to use the embedded SQLite database, a file in the data folder.',
    ];
  }
}
