import { randomUUID } from 'node:crypto';
import { link, open, unlink } from 'node:fs/promises';
import { toFileFault } from './file-faults.js';

/**
 * Creates a file with mode 0600. Returns false when the file exists already. The content is written to a temporary file
 * and then linked: a link appears whole or not at all, and fails when another process was first. So no process ever
 * reads a partial file or replaces one that is in use.
 * @throws DataFolderFault when the file system cannot hold the file
 */
export async function createOnce(file: string, text: string): Promise<boolean> {
  try {
    return await create(file, text);
  } catch (fault) {
    throw toFileFault(file, fault);
  }
}

async function create(file: string, text: string): Promise<boolean> {
  const draft = `${file}.${randomUUID()}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(text);
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

const hasCode = (fault: unknown, code: string): boolean =>
  typeof fault === 'object' && fault !== null && 'code' in fault && fault.code === code;
