import { describe, expect, it } from '@jest/globals';
import { couldMatchTemplate, splitTemplate } from './uri-templates.js';

describe('couldMatchTemplate', () => {
  it.each([
    ['file:///{path}', 'file:///a/b'],
    ['file:///{path}', 'file:///'],
    ['file:///{+path}.txt', 'file:///a.txt.txt'],
    ['db://{table}/{id}', 'db://users/7'],
    ['db://{table}/{id}/x', 'db://users/7/x/x'],
    ['x:{?a,b}', 'x:?a=1'],
    ['x:y', 'x:y'],
  ])('accepts a URI that the template %s could produce: %s', (template, uri) => {
    expect(couldMatchTemplate(splitTemplate(template), uri)).toBe(true);
  });

  it.each([
    ['file:///{path}', 'http:///a'],
    ['file:///{path}.txt', 'file:///.tx'],
    ['db://{table}/{id}', 'db://users'],
    ['ab{x}ba', 'aba'],
    ['x:y', 'x:y/z'],
  ])('rejects a URI that the template %s cannot produce: %s', (template, uri) => {
    expect(couldMatchTemplate(splitTemplate(template), uri)).toBe(false);
  });
});
