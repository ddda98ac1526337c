// What the server tells is said in the language of the interface, or as it came.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { heard, speak } from "./index";

beforeEach(async () => {
  vi.stubGlobal("document", { documentElement: { lang: "" } });
  await speak("de");
});

afterEach(async () => {
  await speak("en");
  vi.unstubAllGlobals();
});

const told = (said: unknown) => heard<{ cause: string }>({ cause: "as it came", said }).cause;

test("a sentence is made from its code and facts, with sentences inside, lists and names of fields", () => {
  const reason = { code: "needed", facts: { got: "int", want: "Image" } };
  expect(told({ cause: { code: "misfit", facts: { source: "a.value", got: "int", reason } } })).toBe("a.value gibt int, aber es ist int, und gebraucht wird Image.");
  expect(told({ cause: { code: "input_changed", facts: { inputs: ["noise", "own_name"] } } })).toBe("geänderter Eingang: Rauschen und Own name");
  expect(told({ cause: { code: "inputs_are", facts: { names: { code: "none", facts: {} } } } })).toBe("Seine Eingänge: keine.");
});

test("what is not known here is said as it came", () => {
  expect(told({})).toBe("as it came");
  expect(told({ cause: { code: "of_tomorrow", facts: {} } })).toBe("as it came");
  expect(told({ cause: { code: "misfit", facts: { source: "a", got: "b", reason: { code: "of_tomorrow", facts: {} } } } })).toBe("as it came");
});

test.each([null, 1, "said", [], { cause: null }, { cause: 1 }, { cause: { code: 1 } }, { cause: { code: "toString" } }, { cause: { code: "constructor", facts: null } }])("a value of a document that looks like it breaks nothing: %j", (said) => {
  expect(told(said)).toBe("as it came");
});

test("in English everything is said as it came", async () => {
  await speak("en");
  expect(told({ cause: { code: "first_time", facts: {} } })).toBe("as it came");
});
