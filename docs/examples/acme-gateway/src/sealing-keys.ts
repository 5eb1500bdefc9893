import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** One of Acme's keys. `purpose` is authenticated: what is sealed for one purpose does not open for another. */
export class SealingKey {
  private readonly key: Buffer;

  constructor(
    readonly id: string,
    secret: string,
  ) {
    this.key = Buffer.from(hkdfSync('sha256', secret, '', `acme sealing key ${id}`, 32));
  }

  seal(text: string, purpose: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce).setAAD(Buffer.from(purpose));
    return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
      'base64url',
    );
  }

  /** Returns undefined for what this key has not sealed for the purpose. */
  open(sealed: string, purpose: string): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(Buffer.from(purpose))
        .setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString(
        'utf8',
      );
    } catch {
      return undefined;
    }
  }
}

/** The keys that all workers share: the first one seals, the others open what they have sealed before. */
export class SealingKeys {
  constructor(private readonly keys: readonly SealingKey[] = []) {}

  /** Reads `2026:secret,2025:older secret`. Undefined and an empty text stand for no keys. */
  static read(text = ''): SealingKeys {
    return new SealingKeys(text === '' ? [] : text.split(',').map(readKey));
  }

  get newest(): SealingKey | undefined {
    return this.keys[0];
  }

  find(id: string): SealingKey | undefined {
    return this.keys.find((key) => key.id === id);
  }
}

function readKey(text: string): SealingKey {
  const [, id, secret] = /^([0-9a-z-]+):(.{16,})$/.exec(text) ?? [];
  if (id === undefined || secret === undefined)
    throw new Error('ACME_SEALING_KEYS needs "id:secret,id:secret" with secrets of at least 16 characters.');
  return new SealingKey(id, secret);
}
