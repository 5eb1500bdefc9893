import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { remoteServer } from '../../test/support/fake-upstream.js';
import type { Endpoint } from './endpoint.js';
import { toPublicName, toPublicUri, resolveName, resolveUri } from './naming.js';

const over = (slugs: readonly string[], transparent = false): Endpoint => ({
  id: 'default',
  transparent,
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
