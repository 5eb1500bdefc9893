import { describe, expect, it } from '@jest/globals';
import { callerOf, FakeRegistry } from '../../test/support/fake-upstream.js';
import { ConfiguredAccessPolicy } from './configured-access-policy.js';

/** True if a policy that denies these resources denies the reading of the URI. */
function isDenied(pattern: string, uri: string): boolean {
  const policies = [{ slug: 'p', effect: 'deny' as const, resources: [pattern] }];
  const policy = new ConfiguredAccessPolicy(new FakeRegistry([], { policies }));
  return !policy.decide({ caller: callerOf('ada'), server: { slug: 'docs' }, kind: 'resources', name: uri }).allowed;
}

describe('a deny rule for a resource with a query', () => {
  it.each([
    ['docs://search{?q}', 'docs://search?q=pay'],
    ['docs://search{?q}', 'docs://search?q=a%26b'],
    ['docs://search{?q}', 'docs://s%65arch?%71=pay'],
    ['docs://search{?q}', 'docs://search%3Fq=pay'],
    ['docs://search{?q,page}', 'docs://search?page=2&q=pay'],
    ['docs://search{?q}', 'docs://search?'],
    ['docs://search{?q}', 'docs://search'],
    ['docs://search{?q}', 'docs://search/?q=pay'],
    ['docs://search/{?q}', 'docs://search?q=pay'],
    ['docs://search/{?q}', 'docs://search'],
    ['docs://{area}/search/{?q}', 'docs://hr/search?q=pay'],
    ['https://example.com{?q}', 'https://example.com/?q=pay'],
    ['https://example.com/search{?q}', 'HTTPS://EXAMPLE.com:443/search?q=pay'],
    ['docs://search?type=pay{&q}', 'docs://search?type=pay&q=x'],
    ['docs://search?type=pay{&q}', 'docs://search?q=x&type=pay'],
    ['docs://search?type=pay{&q}', 'docs://search?q=x&&type=p%61y'],
    ['docs://search?type=pay{&q}', 'docs://search/?q=x&type=pay#top'],
    ['docs://search?type=pay{&q}', 'docs://search?type=public&type=pay'],
    ['docs://search?q={q}&page={page}', 'docs://search?page=1&q=x'],
    ['docs://search?type=pay roll{&q}', 'docs://search?q=x&type=pay+roll'],
    ['docs://search?type=pay&year=2024', 'docs://search?year=2024&type=pay'],
    ['docs://search?type=pay*', 'docs://search?q=x&type=pay'],
    ['docs://list', 'docs://list?'],
    ['docs://list', 'docs://list?#top'],
  ])('for %s denies %s', (pattern, uri) => {
    expect(isDenied(pattern, uri)).toBe(true);
  });

  it.each([
    ['docs://search?type=pay{&q}', 'docs://search?q=x&type=public'],
    ['docs://search?type=pay{&q}', 'docs://search?q=x'],
    ['docs://search?type=pay{&q}', 'docs://find?q=x&type=pay'],
    ['docs://search?type=pay', 'docs://search?q=x&type=pay'],
    ['docs://search/{?q}', 'docs://searches?q=pay'],
    ['docs://list', 'docs://list?q=x'],
  ])('for %s does not deny %s', (pattern, uri) => {
    expect(isDenied(pattern, uri)).toBe(false);
  });
});
