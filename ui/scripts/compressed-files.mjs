import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';

const ENCODINGS = { br: promisify(brotliCompress), gz: promisify(gzip) };

/**
 * Writes each text file of a build a second and third time, compressed, for the server to send to browsers that accept it.
 *
 * @returns {import('vite').Plugin}
 */
export function compressedFiles() {
  return {
    name: 'compressed-files',
    apply: 'build',
    async writeBundle({ dir }, bundle) {
      const files = Object.values(bundle).filter(({ fileName }) => /\.(?:js|css|html|svg)$/.test(fileName));
      await Promise.all(files.map((file) => writeCompressed(join(dir, file.fileName), file.code ?? file.source)));
    },
  };
}

async function writeCompressed(path, content) {
  for (const [ending, compress] of Object.entries(ENCODINGS))
    await writeFile(`${path}.${ending}`, await compress(content));
}
