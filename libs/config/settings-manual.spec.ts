import { describe, expect, it } from '@jest/globals';
import { IsIn, IsInt, Max, Min } from 'class-validator';
import { Env, settingsManual } from './index.js';

class WideDoorConfig {
  @Env('ISTHMUS_DOOR_WIDTH', { as: 'size' })
  @IsInt()
  @Min(1_024)
  @Max(1_048_576)
  readonly widthBytes: number = 2_048;

  @Env('ISTHMUS_DOOR_COLOUR', { description: 'Colour of the door.' })
  @IsIn(['red', 'blue'])
  readonly colour?: string;
}

const SOURCE = `
/** An unrelated docstring. */
const other = 1;

/** Settings of the door. */
export class WideDoorConfig {
  /**
   * Width of the door,
   * in bytes.
   */
  @Env('ISTHMUS_DOOR_WIDTH', { as: 'size' })
`;

describe('settingsManual', () => {
  it('describes each setting by its docstring, its rules and its default', () => {
    expect(settingsManual([WideDoorConfig], [SOURCE])).toBe(`## Wide Door

Settings of the door.

### \`ISTHMUS_DOOR_WIDTH\`

Width of the door, in bytes.

- Accepts: a size such as \`512KiB\` or \`16MiB\`, at least \`1KiB\`, at most \`1MiB\`
- Default: \`2KiB\`

### \`ISTHMUS_DOOR_COLOUR\`

Colour of the door.

- Accepts: text, one of \`red\`, \`blue\`
- Default: none
`);
  });

  it('throws when a setting has no docstring', () => {
    expect(() => settingsManual([WideDoorConfig], [])).toThrow(/ISTHMUS_DOOR_WIDTH has no docstring/);
  });
});
