import { randomBytes } from 'node:crypto';

/** 128 random bits that name one run of one worker. Drawn at start, never seen again after its end. */
export class WorkerId {
  readonly bytes = randomBytes(16);
  readonly text = this.bytes.toString('base64url');
}
