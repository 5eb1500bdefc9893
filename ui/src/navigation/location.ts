import { useSyncExternalStore } from 'react';
import { isBlocked, requestLeave } from './unsaved-changes.js';

/**
 * The location of the page behind the `#` of its address, which is independent of any path prefix. A change that would lose
 * unsaved changes waits for a confirmation, even one by the browser's own buttons.
 */
const read = (): string => window.location.hash.replace(/^#?\/?/, '/');

let current = read();
const listeners = new Set<() => void>();

function set(location: string): void {
  current = location;
  for (const listener of listeners) listener();
}

window.addEventListener('hashchange', () => {
  const target = read();
  if (target === current) return;
  if (!isBlocked()) return set(target);
  // The browser has changed the address already: show the one of the page that is still open.
  window.history.pushState(null, '', `#${current}`);
  requestLeave(() => go(target, false));
});

function go(target: string, isReplaced: boolean): void {
  window.history[isReplaced ? 'replaceState' : 'pushState'](null, '', `#${target}`);
  set(target);
}

interface NavigateOptions {
  /** Replaces the current entry of the browser's history. */
  readonly replace?: boolean;
}

/** Goes to a page, after a confirmation if unsaved changes would be lost. */
export function navigate(target: string, { replace = false }: NavigateOptions = {}): void {
  requestLeave(() => go(target, replace));
}

/** Changes the query of the address, which is a state of the same page and loses nothing. */
export function replaceQuery(query: URLSearchParams): void {
  const text = query.toString();
  go(pathOf(current) + (text === '' ? '' : `?${text}`), true);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const pathOf = (location: string): string => location.split('?')[0] ?? '/';
const queryOf = (location: string): string => location.split('?').slice(1).join('?');

function usePath(): [string, typeof navigate] {
  return [useSyncExternalStore(subscribe, () => pathOf(current)), navigate];
}

function useQueryText(): string {
  return useSyncExternalStore(subscribe, () => queryOf(current));
}

/** Connects the router of `wouter` to this location. */
export const ROUTER_OPTIONS = { hook: usePath, searchHook: useQueryText, hrefs: (path: string): string => `#${path}` };

/** A part of the address that a page reads and writes, such as a search. An empty text removes it. */
export function useQueryParameter(name: string): [string, (value: string) => void] {
  const value = new URLSearchParams(useQueryText()).get(name) ?? '';
  const write = (next: string) => {
    const query = new URLSearchParams(queryOf(current));
    if (next === '') query.delete(name);
    else query.set(name, next);
    replaceQuery(query);
  };
  return [value, write];
}
