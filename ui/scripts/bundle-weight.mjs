import { gzipSync } from 'node:zlib';

/**
 * Prints the compressed size of all scripts and styles of a build, and fails the build above the limit.
 *
 * @param {number} maxBytes
 * @returns {import('vite').Plugin}
 */
export function bundleWeight(maxBytes) {
  return {
    name: 'bundle-weight',
    apply: 'build',
    writeBundle(_options, bundle) {
      const contents = Object.values(bundle)
        .filter(({ fileName }) => /\.(?:js|css)$/.test(fileName))
        .map((file) => (file.type === 'chunk' ? file.code : file.source));
      const bytes = contents.reduce((sum, content) => sum + gzipSync(content).length, 0);
      const text = `Admin page: ${toKiB(bytes)} of scripts and styles, compressed (limit ${toKiB(maxBytes)})`;
      if (bytes > maxBytes) this.error(`${text}. Remove code or a dependency from ui/.`);
      process.stderr.write(`${text}\n`);
    },
  };
}

const toKiB = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
