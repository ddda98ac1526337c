// A small catalogue for tests: the nodes of text-to-image, one with a list input and a conversion.

import type { InputInfo, NodeInfo, OutputInfo, SocketTypeInfo } from "../api/types";
import type { Catalogue } from "./catalogue";
import type { Workflow } from "./document";
import { listOf, named } from "./sockets";

const variable = (name: string): SocketTypeInfo => ({ kind: "variable", name, text: name });
const [C, L] = [variable("C"), variable("L")];
const input = (name: string, type: SocketTypeInfo, more: Partial<InputInfo> = {}): InputInfo => ({ name, type, required: more.default === undefined, ...more });
const output = (name: string, type: SocketTypeInfo): OutputInfo => ({ name, type });
const node = (type: string, inputs: InputInfo[], outputs: OutputInfo[], more: Partial<NodeInfo> = {}): NodeInfo => ({
  type, version: 1, title: type.slice(5), category: "test", summary: "", description: "", example: "", pack: "loom", lane: "cpu",
  sink: false, volatile: false, conversion: false, inputs, outputs, ...more,
});

export const CATALOGUE: Catalogue = new Map(
  [
    node("loom.load_model", [input("name", named("text"), { default: "loom-tiny", choice_of: "model" })], [output("model", named("Model", C, L)), output("text_encoder", named("TextEncoder", C)), output("vae", named("Vae", L))]),
    node("loom.encode_text", [input("text_encoder", named("TextEncoder", C)), input("text", named("text"), { default: "", multiline: true })], [output("conditioning", named("Conditioning", C))]),
    node("loom.noise", [input("seed", named("int"), { default: 0, seed: true })], [output("noise", named("Noise"))]),
    node("loom.empty_latent", [input("model", named("Model", C, L)), input("width", named("int"), { default: 64 }), input("height", named("int"), { default: 64 })], [output("latent", named("Latent", L))]),
    node("loom.sample", [input("model", named("Model", C, L)), input("positive", named("Conditioning", C)), input("negative", named("Conditioning", C)), input("latent", named("Latent", L)), input("noise", named("Noise")), input("steps", named("int"), { default: 20 }), input("cfg", named("float"), { default: 5 })], [output("latent", named("Latent", L))]),
    node("loom.decode_latent", [input("latent", named("Latent", L)), input("vae", named("Vae", L))], [output("image", named("Image"))], { conversion: false }),
    node("loom.blur", [input("image", named("Image")), input("radius", named("float"), { default: 1 })], [output("image", named("Image"))]),
    node("loom.save_image", [input("image", named("Image")), input("name", named("text"), { default: "image" })], [output("files", listOf(named("File")))], { sink: true }),
    node("loom.sheet", [input("images", listOf(named("Image"))), input("columns", named("int"), { default: 4 })], [output("image", named("Image"))]),
    node("loom.image_to_mask", [input("image", named("Image"))], [output("mask", named("Mask"))], { conversion: true }),
    node("loom.invert_mask", [input("mask", named("Mask"))], [output("mask", named("Mask"))]),
  ].map((info) => [info.type, info]),
);

export const TEXT_TO_IMAGE: Workflow = {
  format: "latent-loom/1",
  title: "Text to image",
  inputs: { prompt: { to: ["positive.text"], title: "Prompt" }, seed: { to: ["noise.seed"] } },
  outputs: { image: { from: "decode.image" } },
  nodes: {
    model: { type: "loom.load_model", version: 1, values: { name: "loom-tiny" } },
    positive: { type: "loom.encode_text", version: 1, values: { text: "a boat" }, links: { text_encoder: "model.text_encoder" } },
    negative: { type: "loom.encode_text", version: 1, values: { text: "" }, links: { text_encoder: "model.text_encoder" } },
    noise: { type: "loom.noise", version: 1, values: { seed: 1 } },
    latent: { type: "loom.empty_latent", version: 1, links: { model: "model.model" } },
    sample: { type: "loom.sample", version: 1, values: { steps: 20 }, links: { model: "model.model", positive: "positive.conditioning", negative: "negative.conditioning", latent: "latent.latent", noise: "noise.noise" } },
    decode: { type: "loom.decode_latent", version: 1, links: { latent: "sample.latent", vae: "model.vae" } },
    save: { type: "loom.save_image", version: 1, values: { name: "picture" }, links: { image: "decode.image" } },
  },
  view: { nodes: { model: { x: 0, y: 0 }, positive: { x: 300, y: 0 }, negative: { x: 300, y: 200 }, noise: { x: 300, y: 400 }, latent: { x: 300, y: 500 }, sample: { x: 600, y: 0 }, decode: { x: 900, y: 0 }, save: { x: 1200, y: 0 } } },
};
