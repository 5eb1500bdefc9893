import { createContext, use } from 'react';

/** The paths of all pages, and whether the caller can open each. */
export const KnownPages = createContext<ReadonlyMap<string, boolean>>(new Map());

/** Returns whether the caller can open the page of an address. @throws Error for an address that no page has */
export function useMayOpen(address: string): boolean {
  const [, name = ''] = address.split(/[/?]/);
  const mayOpen = use(KnownPages).get(`/${name}`);
  if (mayOpen === undefined) throw new Error(`No page has the address ${address}.`);
  return mayOpen;
}
