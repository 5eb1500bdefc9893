import { posix } from 'node:path';

/** Two dots, also with what Windows (`.. `) and servers of Java (`..;x`) ignore after them. */
const PARENT = /^\.\.(?:[ .]*|;.*)$/;

/** Returns whether a form of a path leaves its folder. */
export const escapesFolder = (form: string): boolean =>
  form.includes('\0') ||
  (form.includes('..') &&
    toSlashes(form)
      .split('/')
      .some((part) => PARENT.test(part)));

const toSlashes = (path: string): string => path.replaceAll('\\', '/');

/** Returns a function that tells whether a form of a path is one of these folders or in one. */
export function compileFolders(folders: readonly string[]): (form: string) => boolean {
  const allowed = folders.map((folder) => toPath(folder).replace(/\/$/, ''));
  return (form) => {
    if (escapesFolder(form)) return false;
    const path = toPath(form);
    return allowed.some((folder) => path === folder || path.startsWith(`${folder}/`) || folder === '.');
  };
}

/** A path without `.`, double slashes and the scheme of a file URL. */
const toPath = (text: string): string =>
  posix.normalize(toSlashes(text.trim()).replace(/^file:\/\/(?:localhost)?(?=\/)/i, ''));
