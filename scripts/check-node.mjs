// Refuses a Node that is too old, in a sentence that helps. Keep the syntax plain: this file runs on the old Node.
// npm puts node_modules/.bin first on the path, so on Linux the Node that `npm ci` brought along is the one that runs.
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
      'On Linux (x64 and arm64) `npm ci` brings Node 24 along as an optional package: run `npm ci` again without ' +
      '`--omit=optional`, and start with `npm start`. Elsewhere install Node 24 from https://nodejs.org.\n',
  );
  process.exit(1);
}
