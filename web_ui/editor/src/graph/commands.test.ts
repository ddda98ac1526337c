import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CATALOGUE, TEXT_TO_IMAGE } from "./fixtures.test-data";
import { perform, type Command, type Outcome } from "./commands";
import { canonical, eachLink, nodesOf, orderOf, read, split, viewOf, type Scope, type Workflow } from "./document";
import { advance, begin, redo, undo } from "./history";
import { copy, fromText, toText } from "./fragment";
import { closure } from "./infer";
import { shapeOf } from "./catalogue";
import { tell } from "../text";

const run = (document: Workflow, command: Command, scope: Scope = []): Outcome => perform(document, command, { catalogue: CATALOGUE, scope });
const must = (document: Workflow, command: Command, scope: Scope = []): Workflow => {
  const outcome = run(document, command, scope);
  if (!outcome.ok) throw new Error(tell(outcome.reason));
  return outcome.document;
};
const reasonOf = (document: Workflow, command: Command): string => {
  const outcome = run(document, command);
  return outcome.ok ? "" : tell(outcome.reason);
};
const link = (document: Workflow, node: string, input: string) => nodesOf(document)[node]?.links?.[input];

describe("links", () => {
  test("a link takes the place of the one that is there", () => {
    const next = must(TEXT_TO_IMAGE, { type: "link/add", source: "negative.conditioning", node: "sample", input: "positive" });
    expect(link(next, "sample", "positive")).toBe("negative.conditioning");
  });

  test("a refused link says what is given and what is needed", () => {
    expect(reasonOf(TEXT_TO_IMAGE, { type: "link/add", source: "decode.image", node: "sample", input: "noise" })).toMatch(/circle/);
    expect(reasonOf(TEXT_TO_IMAGE, { type: "link/add", source: "noise.noise", node: "decode", input: "latent" })).toBe("noise.noise gives Noise, but Latent[L] is needed here.");
  });

  test("a refused link names the node that converts between the two", () => {
    const document = must(TEXT_TO_IMAGE, { type: "node/add", nodeType: "loom.invert_mask", at: { x: 0, y: 0 }, id: "invert" });
    const refused = run(document, { type: "link/add", source: "decode.image", node: "invert", input: "mask" });
    expect(refused).toMatchObject({ ok: false, conversions: ["loom.image_to_mask"] });
    const next = must(document, { type: "link/convert", source: "decode.image", node: "invert", input: "mask", nodeType: "loom.image_to_mask", at: { x: 5, y: 5 } });
    expect(link(next, "invert", "mask")).toBe("image_to_mask.mask");
    expect(link(next, "image_to_mask", "image")).toBe("decode.image");
  });

  test("what the server found out about a loader refuses a latent of another format", () => {
    const named = (name: string) => ({ kind: "named" as const, name, parameters: [], text: name });
    let document = must(TEXT_TO_IMAGE, { type: "node/add", nodeType: "loom.load_model", at: { x: 0, y: 0 }, id: "other" });
    const known = { other: { vae: { kind: "named" as const, name: "Vae", parameters: [named("flux")], text: "Vae[flux]" } }, sample: { latent: { kind: "named" as const, name: "Latent", parameters: [named("sd1")], text: "Latent[sd1]" } } };
    const outcome = perform(document, { type: "link/add", source: "other.vae", node: "decode", input: "vae" }, { catalogue: CATALOGUE, scope: [], known });
    expect(!outcome.ok && tell(outcome.reason)).toBe("other.vae gives Vae[flux], but Vae: it is for flux, and another input of this node is for sd1.");
    document = must(document, { type: "link/add", source: "other.vae", node: "decode", input: "vae" });
    expect(link(document, "decode", "vae")).toBe("other.vae");
  });

  test("an input for a list takes many links, each once", () => {
    let document = must(TEXT_TO_IMAGE, { type: "node/add", nodeType: "loom.sheet", at: { x: 0, y: 0 }, from: "decode.image" });
    document = must(document, { type: "node/add", nodeType: "loom.blur", at: { x: 0, y: 0 }, from: "decode.image" });
    document = must(document, { type: "link/add", source: "blur.image", node: "sheet", input: "images" });
    document = must(document, { type: "link/add", source: "blur.image", node: "sheet", input: "images" });
    expect(link(document, "sheet", "images")).toEqual(["decode.image", "blur.image"]);
    document = must(document, { type: "link/remove", links: [{ source: "decode.image", node: "sheet", input: "images" }] });
    expect(link(document, "sheet", "images")).toEqual(["blur.image"]);
  });

  test("reconnecting a link is one step and may be refused as a whole", () => {
    const place = { source: "positive.conditioning", node: "sample", input: "positive" };
    const next = must(TEXT_TO_IMAGE, { type: "link/reconnect", link: place, source: "positive.conditioning", node: "sample", input: "negative" });
    expect(link(next, "sample", "positive")).toBeUndefined();
    expect(link(next, "sample", "negative")).toBe("positive.conditioning");
    expect(run(TEXT_TO_IMAGE, { type: "link/reconnect", link: place, source: "noise.noise", node: "sample", input: "positive" }).ok).toBe(false);
  });

  test("all links of an output can be moved to another", () => {
    const document = must(TEXT_TO_IMAGE, { type: "node/add", nodeType: "loom.load_model", at: { x: 0, y: 0 }, id: "other" });
    const next = must(document, { type: "links/move-sources", from: "model.text_encoder", to: "other.text_encoder" });
    expect([link(next, "positive", "text_encoder"), link(next, "negative", "text_encoder")]).toEqual(["other.text_encoder", "other.text_encoder"]);
  });

  test("a node dropped on a link stands in it, and taken out leaves it whole", () => {
    const document = must(TEXT_TO_IMAGE, { type: "node/insert-new", link: { source: "decode.image", node: "save", input: "image" }, nodeType: "loom.blur", at: { x: 1, y: 1 } });
    expect([link(document, "blur", "image"), link(document, "save", "image")]).toEqual(["decode.image", "blur.image"]);
    const out = must(document, { type: "node/extract", id: "blur" });
    expect([link(out, "blur", "image"), link(out, "save", "image")]).toEqual([undefined, "decode.image"]);
    const healed = must(document, { type: "node/remove", ids: ["blur"], heal: true });
    expect(link(healed, "save", "image")).toBe("decode.image");
    expect(reasonOf(TEXT_TO_IMAGE, { type: "node/insert-new", link: { source: "decode.image", node: "save", input: "image" }, nodeType: "loom.noise", at: { x: 1, y: 1 } })).toMatch(/does not fit/);
  });
});

describe("nodes", () => {
  test("a removed node takes its links, declared inputs, outputs and place with it", () => {
    const next = must(TEXT_TO_IMAGE, { type: "node/remove", ids: ["decode", "positive"] });
    expect(link(next, "save", "image")).toBeUndefined();
    expect(link(next, "sample", "positive")).toBeUndefined();
    expect(Object.keys(next.inputs ?? {})).toEqual(["seed"]);
    expect(next.outputs).toEqual({});
    expect(viewOf(next, "decode")).toBeUndefined();
  });

  test("a renamed node is found by everything that named it", () => {
    const next = must(TEXT_TO_IMAGE, { type: "node/rename", id: "positive", name: "what" });
    expect(link(next, "sample", "positive")).toBe("what.conditioning");
    expect(next.inputs?.prompt?.to).toEqual(["what.text"]);
    expect(viewOf(next, "what")).toMatchObject({ x: 300, y: 0 });
    expect(reasonOf(TEXT_TO_IMAGE, { type: "node/rename", id: "positive", name: "model" })).toMatch(/already/);
  });

  test("a replaced node keeps the values and links that its successor has too", () => {
    const document = must(TEXT_TO_IMAGE, { type: "node/insert-new", link: { source: "decode.image", node: "save", input: "image" }, nodeType: "loom.blur", at: { x: 1, y: 1 } });
    const next = must(document, { type: "node/replace", id: "blur", nodeType: "loom.image_to_mask" });
    expect(link(next, "blur", "image")).toBe("decode.image");
    expect(link(next, "save", "image")).toBeUndefined();
  });

  test("a new node gets a name of its own", () => {
    const outcome = run(TEXT_TO_IMAGE, { type: "node/add", nodeType: "loom.noise", at: { x: 0.4, y: 1 } });
    expect(outcome).toMatchObject({ ok: true, created: ["noise_2"] });
  });

  test("a linked field keeps its value for the day the link is removed", () => {
    const document = must(TEXT_TO_IMAGE, { type: "value/set", node: "save", input: "name", value: "mine" });
    expect(nodesOf(document).save?.values?.name).toBe("mine");
    expect(nodesOf(must(document, { type: "value/reset", node: "save", input: "name" })).save?.values).toEqual({});
  });
});

describe("copy and paste", () => {
  test("pasted nodes have fresh names and links among them; those from outside only when asked", () => {
    const fragment = fromText(toText(copy(TEXT_TO_IMAGE, [], new Set(["decode", "save"]))))!;
    const outcome = run(TEXT_TO_IMAGE, { type: "paste", fragment, at: { x: 10, y: 20 }, keepLinks: false });
    if (!outcome.ok) throw new Error(tell(outcome.reason));
    expect(outcome.created).toEqual(["decode_2", "save_2"]);
    expect(link(outcome.document, "save_2", "image")).toBe("decode_2.image");
    expect(link(outcome.document, "decode_2", "latent")).toBeUndefined();
    expect(viewOf(outcome.document, "decode_2")).toMatchObject({ x: 10, y: 20 });
    const kept = must(TEXT_TO_IMAGE, { type: "paste", fragment, at: { x: 0, y: 0 }, keepLinks: true });
    expect(link(kept, "decode_2", "latent")).toBe("sample.latent");
  });

  test("a text that is no workflow is no fragment", () => {
    expect([fromText("hello"), fromText('{"a": 1}'), fromText("{")]).toEqual([null, null, null]);
  });
});

describe("subgraphs", () => {
  const made = must(TEXT_TO_IMAGE, { type: "subgraph/make", ids: ["positive", "negative", "sample"], title: "Draw it" });

  test("chosen nodes become one with typed ports", () => {
    const entry = nodesOf(made).Draw_it!;
    expect(entry.type).toBe("workflow:Draw_it");
    expect(link(made, "decode", "latent")).toBe("Draw_it.latent");
    expect(made.inputs?.prompt?.to).toEqual(["Draw_it.prompt"]);
    const shape = shapeOf(made, [], entry, CATALOGUE);
    expect(shape.outputs.map((one) => [one.name, one.type.text])).toEqual([["latent", "Latent[L]"]]);
    expect(shape.inputs.find((one) => one.name === "prompt")).toMatchObject({ multiline: true, default: "a boat" });
    expect(shape.inputs.map((one) => one.name).sort()).toEqual(["latent", "model", "noise", "prompt", "text_encoder"]);
  });

  test("it is edited in its own scope", () => {
    const next = must(made, { type: "value/set", node: "sample", input: "steps", value: 3 }, ["Draw_it"]);
    expect(next.definitions?.Draw_it?.nodes?.sample?.values?.steps).toBe(3);
  });

  test("dissolving gives the same graph back", () => {
    const back = must(made, { type: "subgraph/dissolve", id: "Draw_it" });
    expect(back.definitions).toEqual({});
    for (const id of Object.keys(nodesOf(TEXT_TO_IMAGE))) {
      expect(nodesOf(back)[id]?.links ?? {}).toEqual(nodesOf(TEXT_TO_IMAGE)[id]?.links ?? {});
    }
    expect(back.inputs).toEqual(TEXT_TO_IMAGE.inputs);
    expect(back.outputs).toEqual(TEXT_TO_IMAGE.outputs);
  });

  test("a value given to the subgraph goes on to the field that it sets", () => {
    const set = must(made, { type: "value/set", node: "Draw_it", input: "prompt", value: "a hill" });
    expect(nodesOf(must(set, { type: "subgraph/dissolve", id: "Draw_it" })).positive?.values?.text).toBe("a hill");
  });

  test("nodes with another between them are refused, and a subgraph cannot contain itself", () => {
    expect(reasonOf(TEXT_TO_IMAGE, { type: "subgraph/make", ids: ["model", "sample"], title: "x" })).toMatch(/choose it too/);
    expect(run(made, { type: "node/add", nodeType: "workflow:Draw_it", at: { x: 0, y: 0 } }, ["Draw_it"]).ok).toBe(false);
  });

  test("subgraphs nest, and their definition is found from inside", () => {
    const nested = must(made, { type: "subgraph/make", ids: ["positive", "negative"], title: "Words" }, ["Draw_it"]);
    expect(Object.keys(nested.definitions?.Draw_it?.definitions ?? {})).toEqual(["Words"]);
    expect(shapeOf(nested, ["Draw_it"], nested.definitions!.Draw_it!.nodes!.Words!, CATALOGUE).outputs.map((one) => one.type.text)).toEqual(["Conditioning[C]", "Conditioning[C]"]);
  });
});

describe("declared inputs", () => {
  test("a field becomes an input, gets a title, is put first and is taken back", () => {
    let document = must(TEXT_TO_IMAGE, { type: "input/declare", to: "sample.steps" });
    document = must(document, { type: "input/set", name: "steps", title: "Steps", help: "More is slower." });
    document = must(document, { type: "port/order", which: "inputs", names: ["steps", "seed", "prompt"] });
    expect(orderOf(document, "inputs")).toEqual(["steps", "seed", "prompt"]);
    expect(document.inputs?.steps).toEqual({ to: ["sample.steps"], title: "Steps", help: "More is slower." });
    expect(reasonOf(document, { type: "input/declare", to: "sample.steps" })).toMatch(/already/);
    expect(Object.keys(must(document, { type: "input/remove", name: "steps" }).inputs ?? {})).toEqual(["prompt", "seed"]);
  });
});

test("what is above and below a node is found", () => {
  expect([...closure(TEXT_TO_IMAGE, ["decode"], "down")].sort()).toEqual(["decode", "save"]);
  expect(closure(TEXT_TO_IMAGE, ["sample"], "up").size).toBe(6);
});

// random commands

const ids = fc.constantFrom(...Object.keys(nodesOf(TEXT_TO_IMAGE)), "noise_2", "blur", "Part", "gone");
const sockets = fc.constantFrom("model.model", "model.vae", "positive.conditioning", "noise.noise", "sample.latent", "decode.image", "blur.image", "Part.latent", "noise_2.noise");
const fields = fc.constantFrom("text", "image", "latent", "noise", "positive", "steps", "seed", "images", "name");
const point = fc.record({ x: fc.integer({ min: -999, max: 999 }), y: fc.integer({ min: -999, max: 999 }) });
const somePlace = fc.record({ source: sockets, node: ids, input: fields });
const someIds = fc.uniqueArray(ids, { minLength: 1, maxLength: 4 });
const value = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant(null));

export const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ type: fc.constant("node/add" as const), nodeType: fc.constantFrom("loom.noise", "loom.blur", "loom.sheet", "workflow:Part"), at: point }),
  fc.record({ type: fc.constant("node/remove" as const), ids: someIds, heal: fc.boolean() }),
  fc.record({ type: fc.constant("node/set" as const), ids: someIds, mode: fc.constantFrom("on", "muted", "bypassed"), title: fc.string(), collapsed: fc.boolean(), colour: fc.constantFrom("", "red") }),
  fc.record({ type: fc.constant("node/rename" as const), id: ids, name: ids }),
  fc.record({ type: fc.constant("node/replace" as const), id: ids, nodeType: fc.constantFrom("loom.noise", "loom.blur", "loom.sheet") }),
  fc.record({ type: fc.constant("node/insert" as const), id: ids, link: somePlace }),
  fc.record({ type: fc.constant("node/insert-new" as const), link: fc.constant({ source: "decode.image", node: "save", input: "image" }), nodeType: fc.constantFrom("loom.blur", "loom.noise"), at: point }),
  fc.record({ type: fc.constant("node/extract" as const), id: ids }),
  fc.record({ type: fc.constant("move" as const), nodes: fc.dictionary(ids, point) }),
  fc.record({ type: fc.constant("value/set" as const), node: ids, input: fields, value }),
  fc.record({ type: fc.constant("link/add" as const), source: sockets, node: ids, input: fields }),
  fc.record({ type: fc.constant("link/remove" as const), links: fc.array(somePlace, { maxLength: 3 }) }),
  fc.record({ type: fc.constant("link/reconnect" as const), link: somePlace, source: sockets, node: ids, input: fields }),
  fc.record({ type: fc.constant("link/points" as const), target: fc.constant("save.image"), points: fc.array(point, { maxLength: 2 }) }),
  fc.record({ type: fc.constant("links/move-sources" as const), from: sockets, to: sockets }),
  fc.record({ type: fc.constant("note/add" as const), note: fc.constant({ x: 1, y: 2, width: 100, height: 80, text: "hi", colour: "" }) }),
  fc.record({ type: fc.constant("subgraph/make" as const), ids: someIds, title: fc.constant("Part") }),
  fc.record({ type: fc.constant("subgraph/dissolve" as const), id: ids }),
  fc.record({ type: fc.constant("input/declare" as const), to: fc.constantFrom("sample.steps", "noise_2.seed", "save.name") }),
  fc.record({ type: fc.constant("output/declare" as const), from: sockets }),
  fc.record({ type: fc.constant("port/order" as const), which: fc.constant("inputs" as const), names: fc.shuffledSubarray(["prompt", "seed", "steps"]) }),
  fc.constant({ type: "paste" as const, fragment: copy(TEXT_TO_IMAGE, [], new Set(["noise", "sample", "decode"])), at: { x: 3, y: 4 }, keepLinks: true }),
);

test("undoing everything gives the start, redoing everything the end", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 25 }), (commands) => {
      let history = begin(TEXT_TO_IMAGE);
      for (const [index, one] of commands.entries()) {
        const outcome = run(history.document, one);
        if (outcome.ok) history = advance(history, outcome.document, one.type === "value/set" && index % 2 ? `${one.node}.${one.input}` : undefined);
      }
      const end = canonical(history.document);
      let back = history;
      while (back.past.length) back = undo(back);
      expect(canonical(back.document)).toBe(canonical(TEXT_TO_IMAGE));
      while (back.future.length) back = redo(back);
      expect(canonical(back.document)).toBe(end);
    }),
    { numRuns: 150 },
  );
});

test("after any commands every link leads from a node that is there, without a circle, and the file reads back the same", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 25 }), (commands) => {
      const document = commands.reduce((at, one) => {
        const outcome = run(at, one);
        return outcome.ok ? outcome.document : at;
      }, TEXT_TO_IMAGE);
      const text = canonical(document);
      expect(canonical(read(text))).toBe(text);
      for (const { source, node } of eachLink(document)) {
        expect(nodesOf(document)[split(source)[0]]).toBeDefined();
        expect(closure(document, [split(source)[0]], "up").has(node)).toBe(false);
      }
      for (const port of Object.values(document.inputs ?? {})) for (const target of port.to) expect(nodesOf(document)[split(target)[0]]).toBeDefined();
    }),
    { numRuns: 150 },
  );
});

test("typing in one field is one step", () => {
  let history = begin(TEXT_TO_IMAGE);
  for (const text of ["a", "ab", "abc"]) history = advance(history, must(history.document, { type: "value/set", node: "positive", input: "text", value: text }), "positive.text");
  expect(history.past.length).toBe(1);
  expect(nodesOf(undo(history).document).positive?.values?.text).toBe("a boat");
});
