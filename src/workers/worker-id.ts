import { randomBytes } from 'node:crypto';

/** 128 random bits that identify one run of one worker. Drawn at start and never reused. */
export class WorkerId {
  readonly bytes = randomBytes(16);
  readonly text = this.bytes.toString('base64url');
}
