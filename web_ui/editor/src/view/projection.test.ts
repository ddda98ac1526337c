import { expect, test } from "vitest";
import { shapesOf } from "../graph/infer";
import type { Workflow } from "../graph/document";
import { CATALOGUE, TEXT_TO_IMAGE } from "../graph/fixtures.test-data";
import { Projection } from "./projection";

const shown = (workflow: Workflow, selectedLinks: ReadonlySet<string>) => ({ workflow, shapes: shapesOf({ document: workflow, scope: [], workflow, catalogue: CATALOGUE }), selectedLinks });
const changed = (id: string, change: object): Workflow => ({ ...TEXT_TO_IMAGE, nodes: { ...TEXT_TO_IMAGE.nodes, [id]: { ...TEXT_TO_IMAGE.nodes![id]!, ...change } } });

test("the links are the same list until one of them changes", () => {
  const [projection, none] = [new Projection(), new Set<string>()];
  const before = projection.edgesOf(shown(TEXT_TO_IMAGE, none));
  expect(before.length).toBeGreaterThan(5);
  expect(projection.edgesOf(shown(changed("positive", { values: { text: "a tree" } }), none))).toBe(before);

  const unlinked = projection.edgesOf(shown(changed("positive", { links: {} }), none));
  expect(unlinked.map((edge) => edge.id)).toEqual(before.map((edge) => edge.id).filter((id) => !id.endsWith(">positive.text_encoder")));
  expect(unlinked.every((edge) => before.includes(edge))).toBe(true);

  const chosen = projection.edgesOf(shown(TEXT_TO_IMAGE, new Set([before[0]!.id])));
  expect(chosen.filter((edge) => edge.selected).map((edge) => edge.id)).toEqual([before[0]!.id]);
});
