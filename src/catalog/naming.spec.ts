import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { remoteServer } from '../../test/support/fake-upstream.js';
import type { Endpoint } from './endpoint.js';
import { addNamePrefix, isChangedAt, toPublicName, toPublicUri, resolveName, resolveUri } from './naming.js';

const over = (slugs: readonly string[], transparent = false): Endpoint => ({
  id: 'default',
  transparent,
  keepsNames: true,
  public: false,
  servers: slugs.map((slug) => remoteServer(slug)),
  shows: () => true,
  showsAll: () => true,
  isUnrestricted: true,
});

/** Slugs as the configuration allows them: lower-case letters, digits and single hyphens, starting with a letter. */
const slug = fc.stringMatching(/^[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,5}){0,2}$/);
const slugs = fc.uniqueArray(slug, { minLength: 1, maxLength: 4 });

describe('a public name', () => {
  it('resolves to its server and the item’s own name, for any own name', () => {
    fc.assert(
      fc.property(slugs, fc.string({ unit: 'binary' }), fc.nat(), (known, own, pick) => {
        const endpoint = over(known);
        const server = endpoint.servers[pick % known.length]!;
        expect(resolveName(endpoint, toPublicName(endpoint, server, own))).toEqual({ server, own });
        expect(resolveUri(endpoint, toPublicUri(endpoint, server, own))).toEqual({ server, own });
      }),
    );
  });

  it('never equals the public name of another server’s item', () => {
    const item = fc.tuple(slug, fc.string());
    fc.assert(
      fc.property(item, item, ([slug1, own1], [slug2, own2]) => {
        fc.pre(slug1 !== slug2);
        const endpoint = over([slug1, slug2]);
        const [one, two] = endpoint.servers as [(typeof endpoint.servers)[0], (typeof endpoint.servers)[0]];
        expect(toPublicName(endpoint, one, own1)).not.toBe(toPublicName(endpoint, two, own2));
        expect(toPublicUri(endpoint, one, own1)).not.toBe(toPublicUri(endpoint, two, own2));
      }),
    );
  });

  it('of a resource is a valid URI that differs from the own URI only in the scheme', () => {
    fc.assert(
      fc.property(slug, fc.webUrl({ withQueryParameters: true, withFragments: true }), (known, own) => {
        const endpoint = over([known]);
        const uri = toPublicUri(endpoint, endpoint.servers[0]!, own);
        expect(new URL(uri).protocol).toBe(`${known}+${new URL(own).protocol}`);
        expect(uri.slice(uri.indexOf(':'))).toBe(own.slice(own.indexOf(':')));
      }),
    );
  });

  it('of a resource template keeps its expressions', () => {
    const endpoint = over(['files']);
    expect(toPublicUri(endpoint, endpoint.servers[0]!, 'file:///{path}')).toBe('files+file:///{path}');
  });

  it.each(['', 'files', '__', 'other__read', 'files_read', '+file:///a', 'Files__read'])(
    'does not resolve when it is %j, which names no server',
    (name) => {
      expect(resolveName(over(['files']), name)).toBeUndefined();
      expect(resolveUri(over(['files']), name)).toBeUndefined();
    },
  );

  it('equals the own name at a transparent endpoint', () => {
    const endpoint = over(['files'], true);
    const [server] = endpoint.servers;
    expect(toPublicName(endpoint, server!, 'a__b')).toBe('a__b');
    expect(resolveName(endpoint, 'a__b')).toEqual({ server, own: 'a__b' });
    expect(resolveUri(endpoint, 'a+b:c')).toEqual({ server, own: 'a+b:c' });
  });
});

describe('a public name that clients accept', () => {
  const portable = (known: readonly string[]): Endpoint => ({ ...over(known), keepsNames: false });
  const endpoint = portable(['files', 'abcdefghij-abcdefghij-abcdefghij']);
  const [files, long] = endpoint.servers as [Endpoint['servers'][0], Endpoint['servers'][0]];

  it('has at most 64 letters, digits, hyphens and underscores, and begins with the slug, for any own name', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 100 }), fc.string()), (own) => {
        for (const server of [files, long]) {
          const name = toPublicName(endpoint, server, own);
          expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
          expect(resolveName(endpoint, name)?.server).toBe(server);
          if (name !== addNamePrefix(server, own)) expect(isChangedAt(endpoint, name)).toBe(true);
        }
      }),
    );
  });

  it.each(['read', 'get_document', 'a-b_C-1', 'x'.repeat(64 - 'files__'.length)])('is not changed: %s', (own) => {
    expect(toPublicName(endpoint, files, own)).toBe(`files__${own}`);
    expect(isChangedAt(endpoint, `files__${own}`)).toBe(false);
  });

  it.each([
    ['with other characters', 'issues.create', 'files__issues_create_'],
    ['of other scripts', '読む', 'files_____'],
    ['that is too long', 'y'.repeat(100), `files__${'y'.repeat(48)}_`],
  ])('of an item %s ends with a digest of its name alone', (_what, own, start) => {
    const name = toPublicName(endpoint, files, own);
    expect(name.slice(0, -8)).toBe(start);
    expect(toPublicName(portable(['files']), files, own)).toBe(name);
  });

  it('differs for names that differ only in replaced characters or beyond the cut', () => {
    const owns = ['a.b', 'a/b', 'a b', 'a_b', `${'z'.repeat(80)}1`, `${'z'.repeat(80)}2`];
    expect(new Set(owns.map((own) => toPublicName(endpoint, files, own))).size).toBe(owns.length);
  });
});
