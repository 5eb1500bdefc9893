import { describe, expect, it } from '@jest/globals';
import { ArgumentFault, readArguments, USAGE } from './start-arguments.js';

describe('readArguments', () => {
  it('maps flags to settings', () => {
    expect(
      readArguments(['--port', '5000', '--host=::1', '--data-dir', '/tmp/x', '--config=a.yaml', '--workers=4']),
    ).toEqual({
      help: false,
      settings: {
        ISTHMUS_PORT: '5000',
        ISTHMUS_HOST: '::1',
        ISTHMUS_DATA_DIR: '/tmp/x',
        ISTHMUS_CONFIG: 'a.yaml',
        ISTHMUS_WORKERS: '4',
      },
    });
    expect(readArguments([])).toEqual({ help: false, settings: {} });
  });

  it('recognizes --help, and the usage text names every flag', () => {
    expect(readArguments(['--help']).help).toBe(true);
    for (const flag of ['--host', '--port', '--workers', '--data-dir', '--config']) expect(USAGE).toContain(flag);
  });

  it.each([[['--prot', '1']], [['--port']], [['5000']], [['-p', '1']], [['--help=yes']]])(
    'rejects the arguments %j with the usage text',
    (args) => {
      expect(() => readArguments(args)).toThrow(ArgumentFault);
      expect(() => readArguments(args)).toThrow('Usage: npm start');
    },
  );
});
