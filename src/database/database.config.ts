import { join } from 'node:path';
import { IsOptional, IsString } from 'class-validator';
import { Env, type Combined } from '#lib/config';

const FILE = 'isthmus.db';
const SCHEMES: ReadonlySet<string> = new Set(['postgres:', 'postgresql:']);

/** Which database there is. */
export type DatabasePlace =
  { readonly kind: 'sqlite'; readonly file: string } | { readonly kind: 'postgres'; readonly url: string };

/** Where the gateway keeps what people change while it runs. */
export class DatabaseConfig implements Combined {
  /**
   * PostgreSQL, which gateways on several hosts share: `postgres://user:password@host:5432/name`, with
   * `?sslmode=verify-full` for an encrypted connection. Without it there is a file in the data folder, `isthmus.db`.
   */
  @Env('ISTHMUS_DATABASE_URL', { secret: true })
  @IsOptional()
  @IsString()
  readonly url?: string;

  /** The place that the settings name, `folder` being the data folder. */
  placeIn(folder: string): DatabasePlace {
    if (this.url !== undefined) return { kind: 'postgres', url: this.url };
    return { kind: 'sqlite', file: join(folder, FILE) };
  }

  combinationFaults(): readonly string[] {
    if (this.url === undefined) return [];
    const url = URL.parse(this.url);
    const isGood = url !== null && SCHEMES.has(url.protocol) && url.hostname !== '' && url.pathname.length > 1;
    if (isGood) return [];
    return [
      'ISTHMUS_DATABASE_URL: must be like postgres://user:password@host:5432/name. ' +
        'Leave it out for the embedded SQLite, which keeps its file in the data folder.',
    ];
  }
}
