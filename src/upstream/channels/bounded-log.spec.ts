import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { BoundedLog } from './bounded-log.js';

describe('BoundedLog', () => {
  let clock: ManualClock;
  let written: string[];
  let warned: string[];
  let log: BoundedLog;

  beforeEach(() => {
    clock = new ManualClock();
    written = [];
    warned = [];
    const logger = { log: (line: string) => void written.push(line), warn: (line: string) => void warned.push(line) };
    log = new BoundedLog(logger, 'shop: ', clock);
  });

  it('removes control characters and line breaks from foreign text', () => {
    log.write('red \u001b[31malarm\u0007\r\nforged line \u202e');
    expect(written).toEqual(['shop: red [31malarm forged line']);
  });

  it('truncates long lines and skips empty lines', () => {
    log.write('x'.repeat(5_000));
    log.write('  ');
    expect(written.map(({ length }) => length)).toEqual([2_007]);
  });

  it('writes 100 lines per window and reports how many further lines were dropped', async () => {
    for (let line = 0; line < 250; line++) log.write(`line ${line}`);
    expect(written).toHaveLength(100);
    await clock.advance(11_000);
    log.write('later');
    expect(warned).toEqual(['shop: 150 more lines were dropped']);
    expect(written).toHaveLength(101);
  });
});
