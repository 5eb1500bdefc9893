import type { JsonObject } from '../json.js';

/**
 * Returns a repaired schema without the keywords that reject more after their neighbours or their own parts accept more: a
 * negation, a condition, a count of matches, and what applies to all that its neighbours do not name.
 *
 * @param loosened - The keywords that were removed or have a part that accepts more than before.
 * @param onDrop - Called with each keyword that is dropped or replaced.
 */
export function dropNarrowed(
  before: JsonObject,
  repaired: JsonObject,
  loosened: ReadonlySet<string>,
  onDrop: (keyword: string) => void,
): JsonObject {
  const kept: Record<string, JsonObject[string]> = { ...repaired };
  const drop = (keyword: string): void => {
    if (kept[keyword] === undefined) return;
    delete kept[keyword];
    onDrop(keyword);
  };
  const { oneOf } = repaired;
  if (loosened.has('not')) drop('not');
  if (loosened.has('if')) ['if', 'then', 'else'].forEach(drop);
  if (loosened.has('contains')) drop('maxContains');
  // The default is 1, and the lost value may have been 0.
  if (loosened.has('minContains')) drop('contains');
  if (loosened.has('oneOf') && oneOf !== undefined) {
    drop('oneOf');
    if (kept['anyOf'] === undefined) kept['anyOf'] = oneOf;
  }
  if (isLost('prefixItems', before, repaired)) drop('items');
  if (['properties', 'patternProperties'].some((keyword) => isLost(keyword, before, repaired)))
    drop('additionalProperties');
  return kept;
}

/** True if a keyword names less than before. Null stands for its absence. */
function isLost(keyword: string, before: JsonObject, repaired: JsonObject): boolean {
  const [old, next] = [before[keyword], repaired[keyword]];
  if (old === undefined || old === null) return false;
  return next === undefined || Object.keys(next ?? {}).length < Object.keys(old).length;
}
