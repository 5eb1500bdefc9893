import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  randomBytes,
  type DecipherGCM,
  type KeyObject,
} from 'node:crypto';
import type { Address } from '../ports/index.js';

const CIPHER = 'aes-256-gcm';
const SECRET_BYTES = 32;
/** Separates these keys from others derived from the same secret. */
const LABEL = 'worker-bus frames 2';

const SALT_BYTES = 16;
const COUNTER_BYTES = 8;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_AT = SALT_BYTES + COUNTER_BYTES;

/** Number of bytes by which a sealed frame is longer than its content: salt, counter and authentication tag. */
export const SEAL_BYTES = TAG_AT + TAG_BYTES;

/** More than the workers of a cluster and their predecessors of the last hours. */
const MAX_CACHED_KEYS = 1_024;
const HALF = 2 ** 32;

/**
 * Encrypts and authenticates frames, because permission to read or publish at the relay does not make a process a worker.
 * A frame can be opened only under the common secret of the workers, at the channel for which it was sealed (AES-256-GCM,
 * NIST SP 800-38D; keys by HKDF, RFC 5869). Each sealer has a key of its own, so a counter suffices as nonce, and no
 * nonce repeats however many frames the workers send.
 */
export class FrameCipher {
  /** Random: under one secret, no other cipher may have the same one. */
  private readonly salt = randomBytes(SALT_BYTES);
  private readonly ownKey: KeyObject;
  private counter = 0;
  /** Keys of other sealers by salt. Only authentic frames add one. */
  private readonly keys = new Map<string, KeyObject>();

  /** @throws TypeError for a secret that is not 32 bytes long */
  constructor(private readonly secret: Buffer) {
    if (secret.length !== SECRET_BYTES)
      throw new TypeError(`The secret of the workers must have ${SECRET_BYTES} bytes.`);
    this.ownKey = this.deriveKey(this.salt);
    this.keys.set(this.salt.toString('latin1'), this.ownKey);
  }

  /** Returns different bytes each time. */
  seal(to: Address, content: Buffer): Buffer {
    const nonce = Buffer.alloc(NONCE_BYTES);
    nonce.writeUInt32BE(Math.floor(this.counter / HALF), NONCE_BYTES - COUNTER_BYTES);
    nonce.writeUInt32BE(this.counter % HALF, NONCE_BYTES - COUNTER_BYTES / 2);
    this.counter += 1;
    const cipher = createCipheriv(CIPHER, this.ownKey, nonce).setAAD(toChannel(to));
    const encrypted = cipher.update(content);
    cipher.final();
    return Buffer.concat([this.salt, nonce.subarray(-COUNTER_BYTES), cipher.getAuthTag(), encrypted]);
  }

  /** Returns the content of a frame sealed for this address; undefined for any other bytes. */
  open(at: Address, frame: Buffer): Buffer | undefined {
    if (frame.length < SEAL_BYTES) return undefined;
    const salt = frame.toString('latin1', 0, SALT_BYTES);
    const known = this.keys.get(salt);
    const key = known ?? this.deriveKey(frame.subarray(0, SALT_BYTES));
    const content = this.decrypt(this.createDecipher(key, at, frame), frame.subarray(SEAL_BYTES));
    if (content !== undefined && known === undefined) this.remember(salt, key);
    return content;
  }

  /** Returns undefined for bytes that are not authentic. */
  protected decrypt(decipher: DecipherGCM, encrypted: Buffer): Buffer | undefined {
    const content = decipher.update(encrypted);
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return content;
  }

  private createDecipher(key: KeyObject, at: Address, frame: Buffer): DecipherGCM {
    const nonce = Buffer.alloc(NONCE_BYTES);
    frame.copy(nonce, NONCE_BYTES - COUNTER_BYTES, SALT_BYTES, TAG_AT);
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    return decipher.setAAD(toChannel(at)).setAuthTag(frame.subarray(TAG_AT, SEAL_BYTES));
  }

  private remember(salt: string, key: KeyObject): void {
    if (this.keys.size >= MAX_CACHED_KEYS) this.keys.clear();
    this.keys.set(salt, key);
  }

  private deriveKey(salt: Buffer): KeyObject {
    return createSecretKey(Buffer.from(hkdfSync('sha256', this.secret, salt, LABEL, SECRET_BYTES)));
  }
}

const toChannel = ({ worker, box }: Address): Buffer => Buffer.from(`${box} ${worker}\0`);
