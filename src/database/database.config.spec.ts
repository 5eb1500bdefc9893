import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '#lib/config';
import { DatabaseConfig } from './index.js';

const load = (url?: string) => loadConfig([DatabaseConfig], url === undefined ? {} : { ISTHMUS_DATABASE_URL: url })[0];

describe('ISTHMUS_DATABASE_URL', () => {
  it('defaults to an SQLite file in the data folder', () => {
    expect(load().placeIn('/data')).toEqual({ kind: 'sqlite', file: '/data/isthmus.db' });
  });

  it.each(['postgres://me:secret@db.example.com/isthmus', 'postgresql://db:5433/isthmus?sslmode=verify-full'])(
    'selects a PostgreSQL database by the URL %s',
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
  ])('rejects the database URL %s with a message that does not repeat it', (url) => {
    const loading = () => load(url);
    expect(loading).toThrow(/ISTHMUS_DATABASE_URL: must have the form postgres:.*Omit it to use the embedded SQLite/);
    expect(loading).not.toThrow(/secret/);
  });
});
