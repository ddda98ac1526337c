// Decides what a template says when it is opened in another language: its titles, descriptions and help are put into that language, and are
// the document's own from then on. What it computes stays the same.

import type { WorkflowSummary } from "../api/types";
import type { Workflow } from "../graph/document";
import { word } from "./index";

interface Texts {
  readonly title?: string;
  readonly description?: string;
  readonly help?: string;
}

type Table<T> = { readonly [name: string]: T } | undefined;

export function templateInWords(workflow: Workflow): Workflow {
  const { inputs, outputs, nodes, definitions } = workflow;
  const parts = { inputs: each(inputs, inWords), outputs: each(outputs, inWords), nodes: each(nodes, inWords), definitions: each(definitions, templateInWords) };
  return { ...inWords(workflow), ...Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)) };
}

export const summaryInWords = (summary: WorkflowSummary): WorkflowSummary => inWords(summary);

function inWords<T extends Texts>(one: T): T {
  const texts = (["title", "description", "help"] as const).filter((name) => one[name]).map((name) => [name, word("templates", one[name]!)]);
  return { ...one, ...Object.fromEntries(texts) };
}

const each = <T>(table: Table<T>, change: (one: T) => T): Table<T> => table && Object.fromEntries(Object.entries(table).map(([name, one]) => [name, change(one)]));
