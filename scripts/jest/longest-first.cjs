// Jest sequencer: runs the longest files first, so that both cores finish at the same time. Durations are those of the
// last run on this machine, or on a fresh machine those of test/file-seconds.json, by file name. Jest loads sequencers
// with `require`, hence the extension.
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { default: Sequencer } = require('@jest/test-sequencer');

const table = JSON.parse(readFileSync(path.join(__dirname, '../../test/file-seconds.json'), 'utf8'));
/** Most files that are too short for the table take about a second. */
const SHORT_SECONDS = 1;

module.exports = class LongestFirst extends Sequencer {
  time(test) {
    return super.time(test) ?? 1_000 * (table[path.basename(test.path)] ?? SHORT_SECONDS);
  }
};
