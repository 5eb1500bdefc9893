import { describe, expect, it } from '@jest/globals';
import { ItemBudget } from './item-budget.js';

const ITEM = 1_000;
const item = (identity: string, index: number) => ({ identity, name: String(index).padStart(ITEM - 512, '0') });

/** Returns how many of a hundred items of a server are admitted. */
function addHundred(budget: ItemBudget, identity: string, servers: number): number {
  return Array.from({ length: 100 }, (_, index) => budget.admit(item(identity, index), servers)).filter(Boolean).length;
}

describe('ItemBudget', () => {
  it('admits the items of one server up to the maximum', () => {
    expect(addHundred(new ItemBudget(30 * ITEM), 'one', 1)).toBe(30);
  });

  it('leaves an equal share to each server when another one has used up the maximum', () => {
    const budget = new ItemBudget(30 * ITEM);
    expect(addHundred(budget, 'hostile', 3)).toBe(30);
    expect(addHundred(budget, 'hostile', 3)).toBe(0);
    expect(addHundred(budget, 'second', 3)).toBe(10);
    expect(addHundred(budget, 'third', 3)).toBe(10);
  });

  it('counts only what is stored after a recount', () => {
    const budget = new ItemBudget(30 * ITEM);
    addHundred(budget, 'one', 1);
    budget.recount([new Map([['a', item('one', 1)]])]);
    expect(addHundred(budget, 'one', 1)).toBe(29);
  });
});
