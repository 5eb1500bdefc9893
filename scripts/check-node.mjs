// Rejects a Node version that is too old and says what to do. Use old syntax only: this file runs on the old Node.
// npm puts node_modules/.bin first on the path, so on Linux the Node that `npm ci` installed runs this file.
const OLDEST = [22, 22, 3];

function isTooOld(version) {
  const parts = version.split('.').map(Number);
  for (const [index, needed] of OLDEST.entries()) {
    if (parts[index] !== needed) return parts[index] < needed;
  }
  return false;
}

if (isTooOld(process.versions.node)) {
  process.stderr.write(
    `Isthmus needs Node ${OLDEST.join('.')} or newer, but ${process.version} is running it.\n` +
      'On Linux (x64 and arm64) `npm ci` installs Node 24 as an optional package: run `npm ci` again without ' +
      '`--omit=optional`, and start with `npm start`. Elsewhere install Node 24 from https://nodejs.org.\n',
  );
  process.exit(1);
}
