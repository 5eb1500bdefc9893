import { describe, expect, it } from '@jest/globals';
import { ArgumentFault, readArguments, USAGE } from './start-arguments.js';

describe('flags of the start', () => {
  it('stand for settings', () => {
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

  it('may ask for help, which names each of them', () => {
    expect(readArguments(['--help']).help).toBe(true);
    for (const flag of ['--host', '--port', '--workers', '--data-dir', '--config']) expect(USAGE).toContain(flag);
  });

  it.each([[['--prot', '1']], [['--port']], [['5000']], [['-p', '1']], [['--help=yes']]])(
    'such as %j are refused with what there is',
    (args) => {
      expect(() => readArguments(args)).toThrow(ArgumentFault);
      expect(() => readArguments(args)).toThrow('Usage: npm start');
    },
  );
});
