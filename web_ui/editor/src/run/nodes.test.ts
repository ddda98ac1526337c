import { expect, test, vi } from "vitest";
import { NodeStates } from "./nodes";

const runs = { status: "runs", reason: "seed changed" } as const;

test("what was planned for a node is past once the run has done it, and a new plan counts again", () => {
  const states = new NodeStates();
  states.setPlan([["sample", runs], ["save", runs]]);
  const told = vi.fn();
  states.watch("sample", told);
  states.report("sample", { status: "running" });
  expect(states.plan("sample")).toEqual(runs);
  states.report("sample", { status: "ran", seconds: 1.5 });
  expect(told).toHaveBeenCalledTimes(2);
  expect(states.get("sample")).toMatchObject({ status: "ran", seconds: 1.5 });
  expect(states.plan("sample")).toBeUndefined();
  expect(states.plan("save")).toEqual(runs);
  states.setPlan([["sample", runs]]);
  expect(told).toHaveBeenCalledTimes(3);
  expect(states.plan("sample")).toEqual(runs);
});
