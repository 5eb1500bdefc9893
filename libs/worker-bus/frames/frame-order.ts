/** Numbers of frames, from 0 without a gap. A relay delivers at most once; what is missing stays missing. */
export class FrameOrder {
  private next = 0;

  /** `repeated`: it was there before, drop it. `gap`: one before it is missing for good. */
  check(number: number): 'expected' | 'repeated' | 'gap' {
    if (number < this.next) return 'repeated';
    if (number > this.next) return 'gap';
    this.next += 1;
    return 'expected';
  }
}
