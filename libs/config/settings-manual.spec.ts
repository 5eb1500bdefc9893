import { describe, expect, it } from '@jest/globals';
import { IsIn, IsInt, Max, Min } from 'class-validator';
import { Env, settingsManual } from './index.js';

class WideDoorConfig {
  @Env('ISTHMUS_DOOR_WIDTH', { as: 'size' })
  @IsInt()
  @Min(1_024)
  @Max(1_048_576)
  readonly widthBytes: number = 2_048;

  @Env('ISTHMUS_DOOR_COLOUR', { description: 'What it looks like.' })
  @IsIn(['red', 'blue'])
  readonly colour?: string;
}

const SOURCE = `
/** Another one. */
const other = 1;

/** How we get in. */
export class WideDoorConfig {
  /**
   * How wide it is;
   * in bytes.
   */
  @Env('ISTHMUS_DOOR_WIDTH', { as: 'size' })
`;

describe('the manual of settings', () => {
  it('says what the docstrings, the rules and the defaults say', () => {
    expect(settingsManual([WideDoorConfig], [SOURCE])).toBe(`## Wide Door

How we get in.

### \`ISTHMUS_DOOR_WIDTH\`

How wide it is; in bytes.

- Accepts: a size such as \`512KiB\` or \`16MiB\`, at least \`1KiB\`, at most \`1MiB\`
- Default: \`2KiB\`

### \`ISTHMUS_DOOR_COLOUR\`

What it looks like.

- Accepts: text, one of \`red\`, \`blue\`
- Default: none
`);
  });

  it('is not written when a setting has no docstring', () => {
    expect(() => settingsManual([WideDoorConfig], [])).toThrow(/ISTHMUS_DOOR_WIDTH has no docstring/);
  });
});
