// Decides what undo and redo do: one gesture is one step, a step is its patches, and steps of one merge key become one
// (typing in a field). There is no end to undo.

import { apply, difference, inverse, joined, type Patch } from "./patches";
import type { Workflow } from "./document";

export interface Step {
  readonly patches: readonly Patch[];
  readonly merge: string | undefined;
}

export interface History {
  readonly document: Workflow;
  readonly past: readonly Step[];
  readonly future: readonly Step[];
}

export function begin(document: Workflow): History {
  return { document, past: [], future: [] };
}

/** The history after a change to `document`; unchanged when nothing differs. */
export function advance(history: History, document: Workflow, merge?: string): History {
  const patches = difference(history.document, document);
  if (!patches.length) return history;
  const last = history.past[history.past.length - 1];
  if (merge !== undefined && last?.merge === merge && !history.future.length) {
    const both = joined(last.patches, patches);
    return { document, past: [...history.past.slice(0, -1), ...(both.length ? [{ patches: both, merge }] : [])], future: [] };
  }
  return { document, past: [...history.past, { patches, merge }], future: [] };
}

export function undo(history: History): History {
  const step = history.past[history.past.length - 1];
  if (!step) return history;
  return { document: apply(history.document, inverse(step.patches)), past: history.past.slice(0, -1), future: [...history.future, step] };
}

export function redo(history: History): History {
  const step = history.future[history.future.length - 1];
  if (!step) return history;
  const closed = { ...step, merge: undefined };
  return { document: apply(history.document, step.patches), past: [...history.past, closed], future: history.future.slice(0, -1) };
}
