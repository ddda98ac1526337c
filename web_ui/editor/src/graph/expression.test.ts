import { expect, test } from "vitest";
import { calculate, weighted } from "./expression";
import { geometryOf, HEADER, ROW, TEXT_ROW, FOOT, PREVIEW } from "./geometry";
import { shapeOf } from "./catalogue";
import { CATALOGUE, TEXT_TO_IMAGE } from "./fixtures.test-data";

test.each([["512*2", 1024], ["(3+4)/2", 3.5], ["2**3**2", 512], ["-4 + 1", -3], ["1,5", 1.5], ["7 % 4", 3], ["1e3", 1000], [".5", 0.5], ["10-2-3", 5]])("%s is %d", (text, value) => {
  expect(calculate(text)).toBe(value);
});

test.each(["", "1+", "alert(1)", "1 2", "(1", "1/0", "2e999", "constructor"])("%s is no number", (text) => {
  expect(calculate(text)).toBeNull();
});

test("the word at the caret gets a weight, a step more, and loses it at 1", () => {
  const first = weighted("a red cat", 3, 3, 0.1);
  expect(first.text).toBe("a (red:1.1) cat");
  const second = weighted(first.text, first.from, first.to, 0.1);
  expect(second.text).toBe("a (red:1.2) cat");
  const back = weighted(weighted(second.text, second.from, second.to, -0.1).text, first.from, first.to, -0.1);
  expect(back.text).toBe("a red cat");
});

test("a node is as high as its rows, and a linked text takes one row", () => {
  const entry = TEXT_TO_IMAGE.nodes!.positive!;
  const shape = shapeOf(TEXT_TO_IMAGE, [], entry, CATALOGUE);
  expect(geometryOf(shape, entry, false, false).height).toBe(HEADER + ROW + TEXT_ROW + FOOT);
  expect(geometryOf(shape, entry, false, true).height).toBe(HEADER + ROW + TEXT_ROW + PREVIEW + FOOT);
  const linked = { ...entry, links: { ...entry.links, text: "a.b" } };
  expect(geometryOf(shape, linked, false, false).height).toBe(HEADER + ROW + ROW + FOOT);
  expect(geometryOf(shape, entry, true, true).height).toBe(HEADER);
});
