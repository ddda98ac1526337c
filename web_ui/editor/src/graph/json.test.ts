import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Float, JsonError, parse, stringify } from "./json";
import { anyTextOf, canonical, read, readAnswer } from "./document";
import { align, distribute, layOut } from "./arrange";
import { tell } from "../text";

/** Why something was refused, in words. */
function said(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof JsonError) return tell(error.reason);
    throw error;
  }
  return "";
}

describe("JSON", () => {
  test("a seed beyond 2^53 keeps every digit, and 4.0 stays a float", () => {
    expect(stringify(parse('{"seed": 18446744073709551615, "cfg": 4.0, "small": 1e-5, "large": 1e22}'))).toBe('{\n  "cfg": 4.0,\n  "large": 1e+22,\n  "seed": 18446744073709551615,\n  "small": 1e-05\n}');
    expect(parse("4.0")).toEqual(new Float(4));
  });

  test("whole numbers of any length keep every digit", () => {
    for (const text of ["0", "7", "-7", "123456789012345", "1234567890123456", "9007199254740993", "-9007199254740993"]) {
      expect(stringify(parse(`[${text}]`))).toBe(`[\n  ${text}\n]`);
      expect(stringify(parse(text))).toBe(text);
    }
  });

  test("it reads what JSON.parse reads", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        if (text.includes('"__proto__"')) return;
        expect(JSON.parse(stringify(parse(text)))).toEqual(JSON.parse(text));
      }),
    );
  });

  test("keys are sorted by code point, not by code unit", () => {
    expect(stringify({ "\u{1F600}": 1, "\uFFFD": 2, a: 3 })).toBe('{\n  "a": 3,\n  "\uFFFD": 2,\n  "\u{1F600}": 1\n}');
  });

  test.each([
    ['{"a": 1, "a": 2}', /twice/],
    ['{"a": 1,}', /a key is missing/],
    ["[1 2]", /comma/],
    ['"a', /does not end/],
    ["1e999", /too large/],
    ['{"__proto__": 1}', /__proto__/],
    ["[".repeat(70), /nested/],
    ["{} x", /after the end/],
    ["nul", /value is missing/],
    ["[01]", /comma/],
    ["12a", /after the end/],
  ])("%s is refused with line and column", (text, what) => {
    expect(said(() => parse(text))).toMatch(what);
    expect(said(() => parse(text))).toMatch(/^line 1, column/);
  });
});

describe("documents", () => {
  const text = '{"nodes": {"a": {"type": "x", "values": {"size": 1e3}}},\n"format": "latent-loom/1"}';

  test("one that was read is sent as it stood, and a changed one in the one form", () => {
    const document = read(`\ufeff ${text}\n`);
    expect(anyTextOf(document)).toBe(text);
    expect(anyTextOf(readAnswer(`{"name": "w", "workflow": ${text}, "etag": null}`).workflow)).toBe(text);
    const changed = { ...document, title: "b" };
    expect(anyTextOf(changed)).toBe(canonical(changed));
    expect(canonical(document)).toBe(canonical(read(canonical(document))));
    expect(canonical(document)).not.toBe(text);
  });

  test("defaults are left out and versions are written", () => {
    const text = canonical(read('{"format": "latent-loom/1", "title": "", "inputs": {}, "nodes": {"a": {"type": "x", "mode": "on", "values": {}, "extra": 1}}, "view": {}}'));
    expect(text).toBe('{\n  "format": "latent-loom/1",\n  "nodes": {\n    "a": {\n      "extra": 1,\n      "type": "x",\n      "version": 1\n    }\n  }\n}\n');
  });

  test.each([
    ["[]", /outermost/],
    ['{"format": "comfy"}', /no Latent Loom workflow/],
    ['{"format": "latent-loom/2"}', /Update/],
    ['{"format": "latent-loom/1", "nodes": {"1": {"type": "x"}}}', /node “1”/],
    ['{"format": "latent-loom/1", "nodes": {"a": {"type": "x", "links": {"b": "no"}}}}', /no “node.output”/],
    ['{"format": "latent-loom/1", "inputs": {"a": {"to": "b.c"}}}', /needs “to”/],
    ['{"format": "latent-loom/1", "definitions": {"d": {"nodes": {"a": 1}}}}', /definition d/],
  ])("%s is refused with the place", (text, what) => {
    expect(said(() => read(text))).toMatch(what);
  });
});

describe("arranging", () => {
  const box = (id: string, x: number, y: number, width = 100, height = 50) => ({ id, x, y, width, height });

  test("right edges are lined up", () => {
    expect(align([box("a", 0, 0), box("b", 50, 90, 200)], "right")).toEqual({ a: { x: 150, y: 0 }, b: { x: 50, y: 90 } });
  });

  test("gaps become equal, and the ends stay", () => {
    expect(distribute([box("a", 0, 0), box("c", 500, 7), box("b", 110, 3)], "across")).toEqual({ a: { x: 0, y: 0 }, b: { x: 250, y: 3 }, c: { x: 500, y: 7 } });
  });

  test("a layout puts each node right of what it reads, and none on another", async () => {
    const placed = await layOut([box("a", 5, 5), box("b", 5, 5), box("c", 5, 5)], [{ from: "a", to: "b" }, { from: "a", to: "c" }]);
    expect(placed.b!.x).toBeGreaterThan(placed.a!.x + 100);
    expect(Math.abs(placed.b!.y - placed.c!.y)).toBeGreaterThanOrEqual(50);
  });
});
