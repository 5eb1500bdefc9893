import { randomBytes, randomUUID } from 'node:crypto';
import { link, open, readFile, stat, unlink } from 'node:fs/promises';
import { platform } from 'node:os';
import { DataFolderFault } from './data-folder.errors.js';

/** Enough for HS256 (RFC 7518, 3.2) and for an AES-256 key. */
const SECRET_BYTES = 32;
/** A random secret repeats few of its bytes; a typed one repeats most of them. */
const DISTINCT_BYTES = 16;
const OTHERS_MAY_ACCESS = 0o077;
const BASE64_LINE = /^[A-Za-z0-9+/_-]+={0,2}$/;

export interface DrawnSecret {
  readonly value: Buffer;
  /** It did not exist and this process made it. */
  readonly drawn: boolean;
}

/** Reads a secret, or draws it. Of several processes that do so at once one draws and all read the same. */
export async function drawSecret(file: string): Promise<DrawnSecret> {
  const drawn = !(await exists(file)) && (await create(file));
  await refuseReadableByOthers(file);
  return { value: decode(file, await readFile(file, 'utf8')), drawn };
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    (fault: unknown) => {
      if (hasCode(fault, 'ENOENT')) return false;
      throw fault;
    },
  );
}

/**
 * Writes beside the place and links: a link appears whole or not at all, and fails when another process was first, so
 * that nobody ever reads half a secret or replaces one that is in use.
 */
async function create(file: string): Promise<boolean> {
  const draft = `${file}.${randomUUID()}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(SECRET_BYTES).toString('base64url')}\n`);
    await handle.sync();
    await link(draft, file);
    return true;
  } catch (fault) {
    if (hasCode(fault, 'EEXIST')) return false;
    throw fault;
  } finally {
    await handle.close();
    await unlink(draft);
  }
}

async function refuseReadableByOthers(file: string): Promise<void> {
  if (platform() === 'win32') return;
  const { mode } = await stat(file);
  if ((mode & OTHERS_MAY_ACCESS) === 0) return;
  throw new DataFolderFault(`${file} can be read by others on this machine. Run: chmod 600 ${file}`);
}

function decode(file: string, text: string): Buffer {
  const line = text.trim();
  const value = BASE64_LINE.test(line) ? Buffer.from(line, 'base64') : Buffer.alloc(0);
  const isWeak = value.length < SECRET_BYTES || new Set(value).size < DISTINCT_BYTES;
  if (!isWeak) return value;
  throw new DataFolderFault(
    `${file} holds a weak secret: ${SECRET_BYTES} random bytes in base64 are needed. ` +
      'Delete the file to have one drawn (tokens and sessions made with it end), or run: openssl rand -base64 32',
  );
}

const hasCode = (fault: unknown, code: string): boolean =>
  fault instanceof Error && 'code' in fault && fault.code === code;
