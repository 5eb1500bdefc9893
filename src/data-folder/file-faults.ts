import { DataFolderFault } from './data-folder.errors.js';

/** What a system error means for a file or folder that the gateway creates, and what to do about it. */
const EXPLANATIONS: Readonly<Record<string, string>> = {
  EROFS: 'its file system is read-only. Mount it read-write',
  ENOSPC: 'its file system is full. Free some space or inodes on it',
  EDQUOT: 'the disk quota of its user is used up. Raise the quota',
  EACCES: 'the user of this process may not write there. Give it access',
  EPERM: 'the user of this process may not write there, or the file system does not allow it. Give it access',
  ENOTDIR: 'a part of its path is a file, not a folder. Remove that file',
  EEXIST: 'a file has its name. Remove that file',
  EISDIR: 'a folder has the name of a file in it. Remove that folder',
  ENOENT: 'its parent folder does not exist and cannot be created. Create it',
  ENAMETOOLONG: 'its path is too long for the file system. Choose a shorter path',
  ELOOP: 'its path contains a loop of symbolic links. Remove the loop',
  EMFILE: 'this process has too many open files. Raise its limit (ulimit -n)',
  EIO: 'its disk failed to read or write. Check the disk',
  ESTALE: 'its network file system is no longer connected. Mount it again',
  EINVAL: 'its path is not valid on this file system. Choose another path',
};

/** Error codes of a file system that has no hard links. */
const NO_LINKS: ReadonlySet<string> = new Set([
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EMLINK',
  'EXDEV',
  'EINVAL',
]);

const ANOTHER_FOLDER = 'or set ISTHMUS_DATA_DIR to a folder on another file system.';

/** Returns the fault of a file or folder that could not be created, read or written. */
export function toFileFault(path: string, cause: unknown): DataFolderFault {
  if (cause instanceof DataFolderFault) return cause;
  const code = codeOf(cause);
  if (syscallOf(cause) === 'link' && NO_LINKS.has(code)) return noLinksFault(path);
  const explanation = EXPLANATIONS[code];
  if (explanation !== undefined) {
    return new DataFolderFault(`${path} cannot be used (${code}): ${explanation}, ${ANOTHER_FOLDER}`);
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DataFolderFault(`${path} cannot be used: ${reason}. Set ISTHMUS_DATA_DIR to another folder.`);
}

/** The file system ignores access modes, as FAT and some shared folders of virtual machines do. */
export const accessModesFault = (path: string): DataFolderFault =>
  new DataFolderFault(
    `${path} cannot be used: its file system does not keep access modes, so other users could read the secrets. Set ` +
      'ISTHMUS_DATA_DIR to a folder on another file system.',
  );

const noLinksFault = (path: string): DataFolderFault =>
  new DataFolderFault(
    `${path} cannot be used: its file system has no hard links, with which secrets are created safely. Set ISTHMUS_DATA_DIR ` +
      'to a folder on a local disk with a file system such as ext4, XFS or APFS.',
  );

const codeOf = (cause: unknown): string =>
  typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';

const syscallOf = (cause: unknown): string =>
  typeof cause === 'object' && cause !== null && 'syscall' in cause ? String(cause.syscall) : '';
