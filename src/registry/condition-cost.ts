import type { ASTNode } from '@marcbachmann/cel-js';

/** These iterate over lists that the caller supplies; a nested loop takes quadratic time. */
export const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);
/** Searches take the product of the lengths of both texts at worst, unless the policy itself contains one of them. */
const SEARCHES: ReadonlySet<string> = new Set(['contains', 'indexOf', 'lastIndexOf', 'split']);

/** What one evaluation may read, in units of `weigh`. About a tenth of a second at worst. */
const MAX_WEIGHT = 8_000_000;
const MAX_SEARCHED = 65_536;
const MAX_JOINED = 4_096;
const MAX_DURATION = 256;

/** A call with a time zone takes as long as this number of other operations. */
const TIME_ZONE_OPERATIONS = 500;
/** Each item of a list that `split` returns may come from one character. */
const SPLIT_GROWTH = 64;

/** How much an expression may read. It is computed once from its text, and holds for all inputs. */
interface CostLimits {
  /** Units of `weigh`, counted at each read. */
  readonly weight: number;
  /** Characters of all texts, counted at each read. */
  readonly characters: number;
}

/** Derives the limits from the constructs that make the time of an evaluation grow faster than its input. */
export function costLimitsOf(expression: ASTNode): CostLimits {
  const found = { searches: 0, joins: 0, durations: 0 };
  for (const node of nodesOf(expression)) countSuperlinear(node, found);
  const growth = growthOf(expression);
  const characters = Math.min(
    found.searches > 0 ? MAX_SEARCHED / Math.sqrt(found.searches) : Infinity,
    found.joins > 0 ? MAX_JOINED / Math.sqrt(found.joins) : Infinity,
    found.durations > 0 ? MAX_DURATION / Math.cbrt(found.durations) : Infinity,
  );
  return { weight: MAX_WEIGHT / growth, characters: characters / growth };
}

function countSuperlinear(node: ASTNode, found: { searches: number; joins: number; durations: number }): void {
  const [argument] = argumentsOf(node);
  if (argument === undefined || argument.op === 'value') return;
  const name = nameOf(node);
  if (node.op === 'rcall' && SEARCHES.has(name)) found.searches += 1;
  if (node.op === 'rcall' && name === 'join') found.joins += 1;
  if (node.op === 'call' && name === 'duration') found.durations += 1;
}

/**
 * How many operations an evaluation makes at most for each unit that it reads. Reads within the body of a loop are
 * counted in each iteration, so only what the body does with the items themselves multiplies.
 */
function growthOf(node: ASTNode): number {
  const growths = childrenOf(node).map(growthOf);
  const most = Math.max(1, ...growths);
  const name = nameOf(node);
  if (node.op !== 'rcall') return most;
  const [receiver = 1, ...parameters] = growths;
  if (LOOPS.has(name) || name === 'bind') {
    const [, ...body] = argumentsOf(node);
    return receiver * (1 + operationsIn(body)) * parameters.reduce((product, growth) => product * growth, 1);
  }
  return name === 'split' ? most * SPLIT_GROWTH : most;
}

function operationsIn(nodes: readonly ASTNode[]): number {
  let operations = 0;
  for (const root of nodes) {
    for (const node of nodesOf(root)) {
      const usesTimeZone = node.op === 'rcall' && nameOf(node).startsWith('get') && argumentsOf(node).length > 0;
      operations += usesTimeZone ? TIME_ZONE_OPERATIONS : 1;
    }
  }
  return operations;
}

/** The function that a node calls. */
const nameOf = (node: ASTNode): string => (node.op === 'call' || node.op === 'rcall' ? node.args[0] : '');

function argumentsOf(node: ASTNode): readonly ASTNode[] {
  if (node.op === 'call') return node.args[1];
  return node.op === 'rcall' ? node.args[2] : [];
}

/** For a method call: the receiver, then the arguments. */
const childrenOf = (node: ASTNode): readonly ASTNode[] => [node.args].flat(3).filter(isNode);

function* nodesOf(node: ASTNode): Generator<ASTNode> {
  yield node;
  for (const child of childrenOf(node)) yield* nodesOf(child);
}

const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'op' in value;

/** What every value weighs: a loop makes several operations for each item, and each of them may fail. */
const VALUE_WEIGHT = 64;

class ConditionTooCostly extends Error {
  constructor() {
    super('it reads more of the arguments and claims than a condition may');
  }
}

/** Counts what one evaluation reads, and ends the evaluation that reads too much. */
export class CostMeter {
  private weight = 0;
  private characters = 0;
  private readonly weights = new Map<unknown, Weight>();
  private excess: ConditionTooCostly | undefined;

  constructor(private readonly limits: CostLimits) {}

  /** Returns a view of an input. Each read of a member counts its whole value, because any operation may follow. */
  observe<T extends object>(input: T): T {
    return new Proxy(input, {
      get: (target, member, receiver) => {
        const value: unknown = Reflect.get(target, member, receiver);
        if (Object.hasOwn(target, member)) this.charge(value);
        return value;
      },
    });
  }

  /** The expression language catches errors of one operand if the other one decides. @throws ConditionTooCostly */
  requireWithinLimits(): void {
    if (this.excess) throw this.excess;
  }

  private charge(value: unknown): void {
    const { weight, characters } = this.weigh(value);
    this.weight += weight;
    this.characters += characters;
    if (this.weight <= this.limits.weight && this.characters <= this.limits.characters) return;
    // One error for all reads that follow: a loop continues after an error, and creating errors takes long.
    throw (this.excess ??= new ConditionTooCostly());
  }

  private weigh(value: unknown): Weight {
    if (typeof value !== 'object' || value === null) return weighScalar(value);
    let weight = this.weights.get(value);
    if (!weight) this.weights.set(value, (weight = weighDeep(value, this.limits.weight)));
    return weight;
  }
}

interface Weight {
  readonly weight: number;
  readonly characters: number;
}

function weighScalar(value: unknown): Weight {
  const characters = typeof value === 'string' ? value.length : 0;
  return { weight: VALUE_WEIGHT + characters, characters };
}

/** Weighs a value with everything in it, and stops when it weighs more than `most`. */
function weighDeep(root: object, most: number): Weight {
  let [weight, characters] = [0, 0];
  const pending: unknown[] = [root];
  while (pending.length > 0 && weight <= most) {
    const value = pending.pop();
    const own = weighScalar(value);
    weight += own.weight;
    characters += own.characters;
    if (Array.isArray(value)) for (const item of value) pending.push(item);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, member] of Object.entries(value)) {
        weight += key.length;
        characters += key.length;
        pending.push(member);
      }
    }
  }
  return { weight, characters };
}
