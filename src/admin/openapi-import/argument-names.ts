/** Models accept names of these characters and of this length. */
const MAX_LENGTH = 64;

const WORDS: Readonly<Record<string, string>> = { '<': '_lt', '>': '_gt', ß: 'ss', æ: 'ae', ø: 'o', ł: 'l' };

/** Gives the arguments of one tool names that models accept and that are unique. */
export class ArgumentNames {
  private readonly taken = new Set<string>();

  /** Returns the name itself if possible. `place`: where the API expects the value; distinguishes equal names. */
  take(name: string, place: string): string {
    const base = toArgumentName(name) || place;
    const candidates = [base, `${base.slice(0, MAX_LENGTH - 1 - place.length)}_${place}`];
    let unique = candidates.find((candidate) => !this.taken.has(candidate));
    for (let count = 2; unique === undefined; count += 1) {
      const candidate = `${base.slice(0, MAX_LENGTH - 5)}_${count}`;
      if (!this.taken.has(candidate)) unique = candidate;
    }
    this.taken.add(unique);
    return unique;
  }
}

/** True for a name that models accept. */
export const isArgumentName = (name: string): boolean =>
  /^[A-Za-z_][\w-]*$/.test(name) && name.length <= MAX_LENGTH && name !== '__proto__';

function toArgumentName(name: string): string {
  if (isArgumentName(name)) return name;
  const plain = name
    .replaceAll(/[<>ßæøł]/g, (character) => WORDS[character] ?? '')
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^\w-]+/g, '_')
    .replaceAll(/^[_-]+|[_-]+$/g, '');
  return (/^\d/.test(plain) ? `_${plain}` : plain).slice(0, MAX_LENGTH);
}
