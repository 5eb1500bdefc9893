/** Returns the current time. Code that waits or expires reads a Clock, so that tests can control time. */
export abstract class Clock {
  /** Milliseconds since the Unix epoch. */
  abstract now(): number;
}

/** Reads the clock of the operating system. */
export class SystemClock extends Clock {
  override now(): number {
    return Date.now();
  }
}
