import { expect, test } from "vitest";
import type { NodeInfo } from "../api/types";
import { picturesAbove, type Level } from "./above";
import type { Catalogue } from "./catalogue";
import { named } from "./sockets";
import type { Workflow } from "./document";

const image = named("Image");
const node = (type: string, ...inputs: string[]) =>
  [type, { type, version: 1, title: type, category: "", inputs: inputs.map((name) => ({ name, type: name === "mask" ? named("Mask") : image, required: false })), outputs: [{ name: "image", type: image }] } as unknown as NodeInfo] as const;
const catalogue: Catalogue = new Map([node("load"), node("scale_image", "image"), node("crop_image", "image"), node("blend", "below", "above", "mask"), node("draw_mask", "image")]);
const root: Level = { scope: [], prefix: "" };
const above = (document: Workflow, id: string, level = root) => [...picturesAbove(document, catalogue, level, id)].map((one) => `${one.level.prefix}${one.node}.${one.output}`);

test("the nearest come first, through all that leaves things in their place", () => {
  const nodes = {
    a: { type: "load" },
    b: { type: "load" },
    m: { type: "load" },
    small: { type: "scale_image", links: { image: "a.image" } },
    both: { type: "blend", links: { below: "small.image", above: "b.image", mask: "m.image" } },
    draw: { type: "draw_mask", links: { image: "both.image" } },
  };
  expect(above({ nodes }, "draw")).toEqual(["both.image", "small.image", "b.image", "a.image"]);
});

test("what lies behind a crop is not shown, since a mask over it would not fit", () => {
  const nodes = (type: string, values = {}) => ({ a: { type: "load" }, cut: { type, values, links: { image: "a.image" } }, draw: { type: "draw_mask", links: { image: "cut.image" } } });
  expect(above({ nodes: nodes("crop_image") }, "draw")).toEqual(["cut.image"]);
  expect(above({ nodes: nodes("scale_image", { fit: "crop" }) }, "draw")).toEqual(["cut.image"]);
  expect(above({ nodes: nodes("scale_image", { fit: "stretch" }) }, "draw")).toEqual(["cut.image", "a.image"]);
});

const part: Workflow = {
  inputs: { picture: { to: ["small.image"] } },
  outputs: { made: { from: "small.image" } },
  nodes: { small: { type: "scale_image" }, draw: { type: "draw_mask", links: { image: "small.image" } } },
};

test("a subgraph is looked into, and left where its input is", () => {
  const document: Workflow = {
    definitions: { part },
    nodes: { a: { type: "load" }, use: { type: "workflow:part", links: { picture: "a.image" } }, draw: { type: "draw_mask", links: { image: "use.made" } } },
  };
  expect(above(document, "draw")).toEqual(["use.made", "use/small.image", "a.image"]);
});

test("from within a subgraph that is open the way leads out to what is linked there", () => {
  const document: Workflow = { definitions: { part }, nodes: { a: { type: "load" }, use: { type: "workflow:part", links: { picture: "a.image" } } } };
  expect(above(document, "draw", { scope: ["part"], prefix: "use/", outer: { level: root, node: "use" } })).toEqual(["use/small.image", "a.image"]);
});

test("a circle or a link to nowhere ends the search", () => {
  const nodes = { one: { type: "scale_image", links: { image: "two.image" } }, two: { type: "scale_image", links: { image: "one.image" } }, lost: { type: "scale_image", links: { image: "gone.image" } } };
  expect(above({ nodes }, "one")).toEqual(["two.image", "one.image"]);
  expect(above({ nodes }, "lost")).toEqual([]);
});
