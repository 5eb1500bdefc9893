import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

const MAX_TEXT_LENGTH = 10_000;
const MAX_MEMBERS = 200;

/** Reads the members of one object of a document. What is wrong with them is added to `faults`, with their places. */
export class MemberReader {
  constructor(
    private readonly source: JsonObject,
    readonly at: string,
    private readonly faults: string[],
  ) {
    for (const member of Object.keys(source)) {
      if (OLD_NAMES.has(member)) this.fault(member, `is a name of earlier drafts: write ${toCamelCase(member)}`);
    }
  }

  fault(member: string, message: string): void {
    this.faults.push(`${this.placeOf(member)} ${message}`);
  }

  text(member: string): string | undefined {
    const value = this.source[member];
    if (value === undefined) return undefined;
    if (typeof value !== 'string') this.fault(member, 'must be a string');
    else if (value.length > MAX_TEXT_LENGTH) this.fault(member, `must have at most ${MAX_TEXT_LENGTH} characters`);
    else return value;
    return undefined;
  }

  /** A text that matches a pattern. Otherwise a fault, which says what it `must` be. */
  textLike(member: string, pattern: RegExp, must: string): string {
    return this.textThat(member, (text) => pattern.test(text), must);
  }

  textThat(member: string, isValid: (text: string) => boolean, must: string): string {
    const value = this.text(member);
    if (value !== undefined && isValid(value)) return value;
    if (value !== undefined || this.source[member] === undefined) this.fault(member, must);
    return '';
  }

  flag(member: string): boolean {
    const value = this.source[member] ?? false;
    if (typeof value !== 'boolean') this.fault(member, 'must be true or false');
    return value === true;
  }

  texts(member: string): readonly string[] | undefined {
    const value = this.source[member];
    if (value === undefined) return undefined;
    const isList = Array.isArray(value) && value.length <= MAX_MEMBERS;
    if (isList && value.every((each) => typeof each === 'string')) return value;
    this.fault(member, `must be a list of at most ${MAX_MEMBERS} strings`);
    return undefined;
  }

  /** The objects of a list. Default: none. */
  list<Read>(member: string, read: (reader: MemberReader) => Read): readonly Read[] {
    const value = this.source[member] ?? [];
    if (!Array.isArray(value) || value.length > MAX_MEMBERS) {
      this.fault(member, `must be a list of at most ${MAX_MEMBERS} objects`);
      return [];
    }
    return value.flatMap((each, index) => this.readObject(`${member}[${index}]`, each, read) ?? []);
  }

  /** The objects of an object by their names. Default: none. */
  map<Read>(member: string, read: (reader: MemberReader) => Read): ReadonlyMap<string, Read> {
    const value = this.source[member] ?? {};
    if (!isJsonObject(value) || Object.keys(value).length > MAX_MEMBERS) {
      this.fault(member, `must be an object of at most ${MAX_MEMBERS} members`);
      return new Map();
    }
    const entries = Object.entries(value).flatMap(([name, each = null]): [string, Read][] => {
      const found = this.readObject(`${member}.${name}`, each, read);
      return found === undefined ? [] : [[name, found]];
    });
    return new Map(entries);
  }

  object<Read>(member: string, read: (reader: MemberReader) => Read): Read | undefined {
    const value = this.source[member];
    return value === undefined ? undefined : this.readObject(member, value, read);
  }

  private readObject<Read>(member: string, value: JsonValue, read: (reader: MemberReader) => Read): Read | undefined {
    if (isJsonObject(value)) return read(new MemberReader(value, this.placeOf(member), this.faults));
    this.fault(member, 'must be an object');
    return undefined;
  }

  private placeOf(member: string): string {
    return this.at === '' ? member : `${this.at}.${member}`;
  }
}

/** Members that the format renamed. Reading over them would start a package without its arguments. */
const OLD_NAMES: ReadonlySet<string> = new Set([
  'registry_type',
  'registry_base_url',
  'file_sha256',
  'runtime_hint',
  'runtime_arguments',
  'package_arguments',
  'environment_variables',
  'is_required',
  'is_secret',
  'is_repeated',
  'value_hint',
]);

const toCamelCase = (name: string): string =>
  name.replaceAll(/_([a-z0-9])/g, (_whole, letter: string) => letter.toUpperCase());
