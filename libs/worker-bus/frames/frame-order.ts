/**
 * Checks the numbers of frames: from 0, without a gap. A relay delivers at most once, so a missing frame never arrives.
 */
export class FrameOrder {
  private next = 0;

  /** `repeated`: the frame arrived before, drop it. `gap`: an earlier frame is lost. */
  check(number: number): 'expected' | 'repeated' | 'gap' {
    if (number < this.next) return 'repeated';
    if (number > this.next) return 'gap';
    this.next += 1;
    return 'expected';
  }
}
