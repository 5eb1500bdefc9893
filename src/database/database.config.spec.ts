import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '#lib/config';
import { DatabaseConfig } from './index.js';

const load = (url?: string) => loadConfig([DatabaseConfig], url === undefined ? {} : { ISTHMUS_DATABASE_URL: url })[0];

describe('the setting of the database', () => {
  it('names a file in the data folder where it is absent', () => {
    expect(load().placeIn('/data')).toEqual({ kind: 'sqlite', file: '/data/isthmus.db' });
  });

  it.each(['postgres://me:secret@db.example.com/isthmus', 'postgresql://db:5433/isthmus?sslmode=verify-full'])(
    'names a PostgreSQL: %s',
    (url) => {
      expect(load(url).placeIn('/data')).toEqual({ kind: 'postgres', url });
    },
  );

  it.each([
    'mysql://me:secret@db/isthmus',
    'sqlite:///data/secret.db',
    'postgres://me:secret@db',
    'postgres:///secret',
    'db/secret',
  ])('refuses anything else in a sentence that repeats nothing of it: %s', (url) => {
    const loading = () => load(url);
    expect(loading).toThrow(/ISTHMUS_DATABASE_URL: must be like postgres:.*Leave it out for the embedded SQLite/);
    expect(loading).not.toThrow(/secret/);
  });
});
