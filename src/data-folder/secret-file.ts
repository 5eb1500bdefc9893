import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { platform } from 'node:os';
import { createOnce } from './create-once.js';
import { DataFolderFault } from './data-folder.errors.js';
import { accessModesFault } from './file-faults.js';

/** Sufficient for HS256 (RFC 7518, 3.2) and for an AES-256 key. */
const SECRET_BYTES = 32;
/** A random secret repeats few of its bytes; a typed one repeats most of them. */
const MIN_DISTINCT_BYTES = 16;
const OTHERS_MAY_ACCESS = 0o077;
const BASE64_LINE = /^[A-Za-z0-9+/_-]+={0,2}$/;

export interface StoredSecret {
  readonly value: Buffer;
  /** True when this process created the secret. */
  readonly isNew: boolean;
}

/** Reads a secret, or creates it. When several processes do so at once, one creates it and all read the same. */
export async function readOrCreateSecret(file: string): Promise<StoredSecret> {
  const { text, isNew } = await readOrCreate(file);
  return { value: decode(file, text), isNew };
}

/** Secrets of one file; the first is the current one. */
export type StoredSecrets = readonly [Buffer, ...Buffer[]];

/** Reads secrets, one per line, or creates the first. */
export async function readOrCreateSecrets(file: string): Promise<StoredSecrets> {
  const { text } = await readOrCreate(file);
  return decodeLines(file, text);
}

/**
 * Reads secrets that exist, one per line.
 * @throws DataFolderFault when there is no such file
 */
export async function readSecrets(file: string): Promise<StoredSecrets> {
  if (!(await stat(file).catch(() => undefined)))
    throw new DataFolderFault(`There is no ${file}. Set ISTHMUS_DATA_DIR to the data folder of the gateway.`);
  await rejectReadableByOthers(file, false);
  return decodeLines(file, await readFile(file, 'utf8'));
}

function decodeLines(file: string, text: string): StoredSecrets {
  const [first = '', ...others] = text.split('\n').filter((line) => line.trim() !== '');
  return [decode(file, first), ...others.map((line) => decode(file, line))];
}

async function readOrCreate(file: string): Promise<{ readonly text: string; readonly isNew: boolean }> {
  const found = await stat(file).catch(() => undefined);
  const isNew = !found && (await createOnce(file, `${randomBytes(SECRET_BYTES).toString('base64url')}\n`));
  await rejectReadableByOthers(file, isNew);
  return { text: await readFile(file, 'utf8'), isNew };
}

async function rejectReadableByOthers(file: string, isNew: boolean): Promise<void> {
  const { mode } = await stat(file);
  if (platform() === 'win32' || (mode & OTHERS_MAY_ACCESS) === 0) return;
  if (isNew) throw accessModesFault(file);
  throw new DataFolderFault(`${file} can be read by other users of this machine. Run: chmod 600 ${file}`);
}

function decode(file: string, text: string): Buffer {
  const line = text.trim();
  const value = BASE64_LINE.test(line) ? Buffer.from(line, 'base64') : Buffer.alloc(0);
  const isWeak = value.length < SECRET_BYTES || new Set(value).size < MIN_DISTINCT_BYTES;
  if (!isWeak) return value;
  throw new DataFolderFault(
    `${file} holds a weak secret; ${SECRET_BYTES} random bytes in base64 are required. Delete the file, and the next ` +
      'start creates one (everything signed or sealed with the old one becomes invalid). Or create one yourself: ' +
      'openssl rand -base64 32',
  );
}
