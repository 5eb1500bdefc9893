// Prints the times of the last test run as the table of docs/testing.md, and the tests that took more than 5 s.
// With --write it also updates test/file-seconds.json, by which a fresh machine runs the longest files first.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const LISTED_ABOVE_MS = 5_000;
const TABLED_ABOVE_MS = 3_000;
const COLUMNS = ['totalMs', 'compileMs', 'loadMs', 'hooksMs', 'testsMs', 'cpuMs'];

const lines = readFileSync(join(home, 'test-results/file-times.jsonl'), 'utf8').trim().split('\n');
const files = lines.map((line) => JSON.parse(line)).toSorted((a, b) => b.totalMs - a.totalMs);

const seconds = (ms) => (ms / 1_000).toFixed(1);
const row = (name, times) => `| ${name} | ${COLUMNS.map((column) => seconds(times[column])).join(' | ')} |`;
function sum(rows) {
  return Object.fromEntries(COLUMNS.map((column) => [column, rows.reduce((ms, times) => ms + times[column], 0)]));
}

const listed = files.filter(({ totalMs }) => totalMs > LISTED_ABOVE_MS);
const others = files.slice(listed.length);
const table = [
  '| file | total, s | compile | load | hooks | tests | CPU |',
  '|---|---|---|---|---|---|---|',
  ...listed.map((times) => row(`\`${times.file}\``, times)),
  row(`${others.length} others`, sum(others)),
  row(`all ${files.length}`, sum(files)),
];
process.stdout.write(`${table.join('\n')}\n`);

const slow = files.flatMap(({ file, slowTests }) => slowTests.map((test) => ({ file, ...test })));
for (const { file, title, ms } of slow.toSorted((a, b) => b.ms - a.ms)) {
  process.stdout.write(`\n${seconds(ms)} s: ${file} › ${title}`);
}
process.stdout.write('\n');

if (process.argv.includes('--write')) {
  const tabled = files.filter(({ totalMs }) => totalMs > TABLED_ABOVE_MS);
  const bySeconds = Object.fromEntries(
    tabled.map(({ file, totalMs }) => [basename(file), Math.round(totalMs / 1_000)]),
  );
  writeFileSync(join(home, 'test/file-seconds.json'), `${JSON.stringify(bySeconds, null, 2)}\n`);
}
