import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { GatewayLogger } from './gateway-logger.js';
import { LoggingConfig } from './logging.config.js';

const write = (stream: 'stdout' | 'stderr') => jest.spyOn(process[stream], 'write').mockImplementation(() => true);

/** Returns the lines that a logger with these settings prints. */
function printed(settings: Partial<LoggingConfig>, log: (logger: GatewayLogger) => void): string[] {
  const written = [write('stdout'), write('stderr')];
  try {
    log(new GatewayLogger(Object.assign(new LoggingConfig(), { format: 'text' }, settings)));
    const text = written.flatMap(({ mock }) => mock.calls.map(([chunk]) => String(chunk))).join('');
    return text.split('\n').slice(0, -1);
  } finally {
    for (const spy of written) spy.mockRestore();
  }
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('GatewayLogger', () => {
  it('prints lines of the configured severity and above', () => {
    const all = (logger: GatewayLogger) => {
      for (const level of ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const) logger[level](level);
    };
    expect(printed({ level: 'warn' }, all)).toHaveLength(3);
    expect(printed({ level: 'verbose' }, all)).toHaveLength(6);
    expect(printed({ level: 'fatal' }, all)).toHaveLength(1);
  });

  it('delays lines below the severity warn until it is released', () => {
    const start = (logger: GatewayLogger) => {
      logger.hold();
      logger.log('normal');
      logger.debug('detail');
      logger.warn('odd');
      logger.release();
      logger.log('later');
    };
    const wordsOf = (lines: string[]) => lines.map((line) => /(odd|normal|detail|later)/.exec(line)?.[0]);
    const lines = printed({ level: 'debug' }, start);
    expect(wordsOf(lines)).toEqual(expect.arrayContaining(['odd', 'normal', 'detail', 'later']));
    expect(wordsOf(lines).indexOf('odd')).toBeLessThan(wordsOf(lines).indexOf('normal'));
  });

  it('delays warnings on request, and errors never', () => {
    const start = (logger: GatewayLogger) => {
      logger.holdWarnings();
      logger.warn('odd');
      logger.error('broken');
    };
    const release = (logger: GatewayLogger) => {
      start(logger);
      logger.release();
    };
    expect(printed({}, start).join('\n')).toMatch(/^(?!.*odd).*broken/s);
    expect(printed({}, release).join('\n')).toMatch(/odd/);
  });

  it('prints the lines of the Nest start-up at the debug level only', () => {
    const assemble = (logger: GatewayLogger) => {
      logger.log('AppModule dependencies initialized', 'InstanceLoader');
      logger.log('Nest microservice successfully started', 'NestMicroservice');
      logger.log('Server files was added', 'Registry');
    };
    expect(printed({}, assemble)).toEqual([expect.stringContaining('Server files was added')]);
    expect(printed({ level: 'debug' }, assemble)).toHaveLength(3);
  });

  it('prints a start fault at the debug level only, because main reports it without a stack', () => {
    const fail = (logger: GatewayLogger) => logger.error(new Error('The start failed.'), 'ExceptionHandler');
    expect(printed({}, fail)).toEqual([]);
    expect(printed({ level: 'debug' }, fail)).toContainEqual(expect.stringContaining('The start failed.'));
  });

  it('prints one JSON object per line in the json format', () => {
    const [line, ...others] = printed({ format: 'json' }, (logger) => logger.warn('two\nlines', 'Calls'));
    expect(others).toEqual([]);
    expect(JSON.parse(line ?? '')).toMatchObject({ level: 'warn', message: 'two\nlines', context: 'Calls' });
  });

  it('prints text at a terminal and JSON elsewhere by default', () => {
    const [line] = printed({ format: 'auto' }, (logger) => logger.warn('hello', 'Pool'));
    expect(JSON.parse(line ?? '')).toMatchObject({ message: 'hello' });
    const { stdout } = process as { stdout: { isTTY?: boolean | undefined } };
    const { isTTY } = stdout;
    stdout.isTTY = true;
    try {
      expect(printed({ format: 'auto' }, (logger) => logger.warn('hello', 'Pool')).join('')).toContain('[Nest]');
    } finally {
      stdout.isTTY = isTTY;
    }
  });

  it('indents line breaks and escapes control characters of quoted text', () => {
    const hostile = 'tools/call\r\n[Nest] 1 - LOG all is well\u001b[2J\u2028\u202e\u0000 failed\tat x';
    const lines = printed({}, (logger) => logger.error(hostile, `Error: ${hostile}\n    at place (file.js:1:2)`));
    for (const line of lines.slice(1)) expect(line).toMatch(/^(\s|Error)/);
    expect(new Set(lines.join('').match(/[\p{Cc}\p{Cf}\p{Zl}]/gu))).toEqual(new Set(['\t']));
    expect(lines.join('\n')).toContain('\\u{1b}[2J\\u{2028}\\u{202e}\\u{0} failed\tat x');
  });

  it('prints at most 100 lines of a logger and severity in 10 seconds, and how many it left out', async () => {
    const written = [write('stdout'), write('stderr')];
    const clock = new ManualClock();
    const logger = new GatewayLogger(Object.assign(new LoggingConfig(), { format: 'text' }), clock);
    const flood = (context: string) => {
      for (let line = 0; line < 150; line += 1) logger.warn('refused', context);
    };
    const count = (text: string) =>
      written.flatMap(({ mock }) => mock.calls).filter(([chunk]) => String(chunk).includes(text)).length;
    flood('Pool');
    expect(count('refused')).toBe(100);
    logger.error('broken', 'a stack', 'Pool');
    expect(count('broken')).toBe(1);
    flood('Audit');
    expect(count('refused')).toBe(250);
    await clock.advance(10_000);
    expect(count('Left out 50 more lines')).toBe(1);
    logger.warn('refused', 'Pool');
    expect(count('refused')).toBe(251);
    await clock.advance(10_000);
    expect(count('Left out')).toBe(1);
    expect(clock.pending).toBe(0);
  });
});
