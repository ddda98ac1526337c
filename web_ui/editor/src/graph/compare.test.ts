import { expect, test } from "vitest";
import type { DiffReply } from "../api/types";
import { compared, insideOf, kindsOf, linkKindsOf, pathOf, scopesOf } from "./compare";
import { nodesOf, viewOf, type Workflow } from "./document";

const at = (x: number) => ({ x, y: 0 });
const before: Workflow = {
  nodes: { one: { type: "t" }, two: { type: "t", values: { cfg: 7 }, links: { a: "one.out" } }, gone: { type: "t", links: { a: "two.out" } } },
  view: { nodes: { one: at(0), two: at(10), gone: at(20) } },
};
const after: Workflow = {
  nodes: { one: { type: "t" }, two: { type: "t", values: { cfg: 4 }, links: { a: "fresh.out" } }, fresh: { type: "t" } },
  view: { nodes: { one: at(5), two: at(10), fresh: at(30) } },
};
const diff: DiffReply = {
  renames: [],
  layout: [{ place: ["view", "nodes", "one"], kind: "changed", before: at(0), after: at(5) }],
  changes: [
    { place: ["nodes", "fresh"], kind: "added", before: null, after: { type: "t" } },
    { place: ["nodes", "gone"], kind: "removed", before: { type: "t" }, after: null },
    { place: ["nodes", "two", "links", "a"], kind: "changed", before: "one.out", after: "fresh.out" },
    { place: ["nodes", "two", "values", "cfg"], kind: "changed", before: 7, after: 4 },
  ],
};

test("what was removed stands beside what is there, where it stood", () => {
  const { document } = compared(before, after, diff);
  expect(Object.keys(nodesOf(document)).sort()).toEqual(["fresh", "gone", "one", "two"]);
  expect([viewOf(document, "gone")?.x, viewOf(document, "one")?.x]).toEqual([20, 5]);
});

test("each node and link is told by what became of it", () => {
  const comparison = compared(before, after, diff);
  expect(Object.fromEntries(kindsOf(comparison, []))).toEqual({ fresh: "added", gone: "removed", two: "changed" });
  expect(Object.fromEntries(linkKindsOf(comparison, []))).toEqual({ "fresh.out>two.a": "added", "one.out>two.a": "removed", "two.out>gone.a": "removed" });
  expect(nodesOf(comparison.document).two?.links?.a).toEqual(["fresh.out", "one.out"]);
});

test("nodes that took each other's names keep their links and places", () => {
  const swapped: Workflow = { nodes: { one: { type: "t", values: { cfg: 7 }, links: { a: "two.out" } }, two: { type: "t" } }, view: { nodes: { two: at(0), one: at(10) } } };
  const renames = [{ within: [], before: "one", after: "two" }, { within: [], before: "two", after: "one" }];
  const earlier: Workflow = { nodes: { one: before.nodes!.one!, two: before.nodes!.two! }, view: before.view };
  const comparison = compared(earlier, swapped, { renames, changes: [], layout: [] });
  expect(comparison.before.nodes).toEqual(swapped.nodes);
  expect(linkKindsOf(comparison, []).size).toBe(0);
  expect(kindsOf(comparison, []).get("two")).toBe("changed");
});

test("what differs in a subgraph is told at its place", () => {
  const inner = (cfg: number): Workflow => ({ nodes: { use: { type: "workflow:part" } }, definitions: { part: { nodes: { deep: { type: "t", values: { cfg } } } } } });
  const comparison = compared(inner(1), inner(2), { renames: [], layout: [], changes: [{ place: ["definitions", "part", "nodes", "deep", "values", "cfg"], kind: "changed", before: 1, after: 2 }] });
  expect(scopesOf(comparison)).toEqual([[], ["part"]]);
  expect(Object.fromEntries(kindsOf(comparison, []))).toEqual({ use: "changed" });
  expect(insideOf(comparison, []).get("use")).toEqual({ scope: ["part"], count: 1 });
  expect(comparison.differences[0]).toMatchObject({ scope: ["part"], node: "deep", part: "values", name: "cfg", before: 1, after: 2 });
});

test("a subgraph that came or went is told node by node, also what is nested in it", () => {
  const deep: Workflow = { title: "Deep", nodes: { end: { type: "t" } } };
  const part: Workflow = { title: "Part", nodes: { one: { type: "t" }, use: { type: "workflow:deep" } }, definitions: { deep } };
  const without: Workflow = { nodes: {} };
  const holding: Workflow = { nodes: { all: { type: "map:part" } }, definitions: { part } };
  const change = (kind: "added" | "removed") => ({ renames: [], layout: [], changes: [{ place: ["definitions", "part"], kind, before: kind === "removed" ? part : null, after: kind === "added" ? part : null }] }) as unknown as DiffReply;
  for (const [kind, comparison] of [["added", compared(without, holding, change("added"))], ["removed", compared(holding, without, change("removed"))]] as const) {
    expect(comparison.differences.map((one) => [pathOf(comparison, one.scope), one.part, one.node ?? one.name, one.kind])).toEqual([
      ["", "definitions", "part", kind],
      ["Part", "", "one", kind],
      ["Part", "", "use", kind],
      ["Part", "definitions", "deep", kind],
      ["Part / Deep", "", "end", kind],
    ]);
    expect(comparison.differences.every((one) => one.before === undefined && one.after === undefined)).toBe(true);
    expect(Object.fromEntries(kindsOf(comparison, ["part"]))).toEqual({ one: kind, use: kind });
    expect(insideOf(comparison, []).get("all")?.count).toBe(4);
  }
});
