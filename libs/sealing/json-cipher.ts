import { TextCipher } from './text-cipher.js';

/** Encrypts values of one type as JSON, each bound to a text such as its id. */
export class JsonCipher<Value> {
  private readonly cipher: TextCipher;

  /** `label` separates this key from other keys that are derived from the same secret. Another form of the values needs another one. */
  constructor(secret: Buffer, label: string) {
    this.cipher = new TextCipher(secret, label);
  }

  encrypt(value: Value, boundTo: string): string {
    return this.cipher.encrypt(JSON.stringify(value), boundTo);
  }

  /** Returns undefined unless this key encrypted the value and `boundTo` is the same. */
  decrypt(encrypted: unknown, boundTo: string): Value | undefined {
    const text = this.cipher.decrypt(encrypted, boundTo);
    return text === undefined ? undefined : (JSON.parse(text) as Value);
  }
}
