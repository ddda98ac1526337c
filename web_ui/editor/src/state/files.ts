// Decides how workflows come into the editor and leave it: from and to the server, the disk, a picture, another window.

import { api, ApiError } from "../api/client";
import { canonical, EMPTY, read, type Workflow } from "../graph/document";
import { setNode } from "../graph/edit";
import { nodesOf, own, split } from "../graph/document";
import type { Json } from "../graph/json";
import { t } from "../text";
import { activeTab, app, changeTab, complain, isDirty, newTab, openTab, say, setDocument, statesOf, tabOf, titleOf, type Side, type Tab } from "./app";

/** Shows a document: in place of an untouched empty tab, else in a new one. */
export function show(document: Workflow, more: Partial<Tab> = {}): void {
  const known = more.name ? app.get().tabs.find((tab) => tab.name === more.name) : undefined;
  if (known) {
    app.set({ active: known.id, dialog: null });
    return;
  }
  const current = activeTab();
  const untouched = current.history.document === EMPTY && !current.history.past.length && !current.name;
  openTab(newTab(document, more));
  if (untouched) app.set((state) => ({ tabs: state.tabs.filter((tab) => tab.id !== current.id) }));
  app.set({ dialog: null });
}

export async function openStored(name: string): Promise<void> {
  try {
    const stored = await api.workflow(name);
    show(stored.workflow, { name: stored.name, etag: stored.etag });
  } catch (error) {
    complain(error);
  }
}

export async function openTemplate(name: string): Promise<void> {
  try {
    show(await api.template(name));
  } catch (error) {
    complain(error);
  }
}

export async function openResult(id: string): Promise<void> {
  try {
    const { workflow, inputs } = await api.resultWorkflow(id);
    show(withInputs(workflow, (inputs ?? {}) as { [name: string]: Json }));
  } catch (error) {
    complain(error);
  }
}

export async function openJob(id: string): Promise<void> {
  try {
    const { workflow, inputs } = await api.jobWorkflow(id);
    show(withInputs(workflow, (inputs ?? {}) as { [name: string]: Json }));
  } catch (error) {
    complain(error);
  }
}

/** A JSON file is read here, so that it opens without a server too; what a picture carries is read by the server. */
export async function openFile(file: File): Promise<void> {
  try {
    show(await readFile(file));
  } catch (error) {
    complain(error);
  }
}

export const FILES = ".json,.png,application/json,image/png";

export async function readFile(file: File): Promise<Workflow> {
  if (file.type === "image/png" || file.name.toLowerCase().endsWith(".png")) {
    const { workflow, inputs } = await api.open(new Blob([file], { type: "image/png" }));
    return withInputs(workflow, (inputs ?? {}) as { [name: string]: Json });
  }
  const text = await file.text();
  try {
    return read(text);
  } catch (error) {
    if (app.get().connection !== "open") throw error;
    try {
      return (await api.open(new Blob([text], { type: "application/json" }))).workflow; // an older format, which the server brings up to date
    } catch {
      throw error;
    }
  }
}

/** Shows what differs between a file and the workflow that is open. */
export async function compareWithFile(): Promise<void> {
  try {
    const file = await pickFile(FILES);
    if (file) compare({ title: file.name, workflow: await readFile(file) });
  } catch (error) {
    complain(error);
  }
}

/** Shows what differs between what is stored under this name and the workflow that is open. */
export async function compareWithStored(): Promise<void> {
  const { name } = activeTab();
  if (name === null) return;
  try {
    compare({ title: t("asStored", { name }), workflow: (await api.workflow(name)).workflow });
  } catch (error) {
    complain(error);
  }
}

export function compare(from: Side): void {
  app.set({ dialog: { kind: "compare", from, to: sideOf(activeTab()) } });
}

export function sideOf(tab: Tab): Side {
  return { title: t("asItIsNow", { name: titleOf(tab, t("untitled")) }), workflow: tab.history.document };
}

/** The document with values for its declared inputs put where they belong. */
export function withInputs(document: Workflow, inputs: { readonly [name: string]: Json }): Workflow {
  let next = document;
  for (const [name, value] of Object.entries(inputs)) {
    for (const target of own(document.inputs, name)?.to ?? []) {
      const [node, input] = split(target);
      const entry = own(nodesOf(next), node);
      if (entry) next = setNode(next, node, { ...entry, values: { ...entry.values, [input]: value } });
    }
  }
  return next;
}

/** Names that are being saved from here: what the server tells of them meanwhile is our own doing. */
const saving = new Set<string>();

export async function save(id = activeTab().id, name = tabOf(id)?.name ?? null, overwrite?: string): Promise<boolean> {
  const tab = tabOf(id);
  if (!tab) return false;
  if (name === null) {
    app.set({ dialog: { kind: "save" } });
    return false;
  }
  const document = tab.history.document;
  saving.add(name);
  try {
    const stored = await api.save(name, document, overwrite ?? (name === tab.name ? tab.etag : null));
    changeTab(id, { name: stored.name, etag: stored.etag, saved: document, conflict: null });
    say(t("saved", { name: stored.name }));
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 412) {
      if (name === tab.name) changeTab(id, { conflict: error.etag ?? "" });
      else if (error.etag !== null && confirm(t("replaceStored", { name }))) return save(id, name, error.etag);
    } else complain(error);
    return false;
  } finally {
    saving.delete(name);
  }
}

/** What to do about a workflow that was also saved elsewhere. */
export async function settle(how: "theirs" | "mine" | "copy"): Promise<void> {
  const tab = activeTab();
  if (tab.name === null) return;
  try {
    const theirs = await api.workflow(tab.name);
    if (how === "theirs") {
      setDocument(tab.id, theirs.workflow);
      changeTab(tab.id, { saved: tabOf(tab.id)!.history.document, etag: theirs.etag, conflict: null });
    } else if (how === "mine") {
      await save(tab.id, tab.name, theirs.etag);
    } else {
      const mine = tab.history.document;
      changeTab(tab.id, { history: { ...tab.history }, name: null, etag: null, conflict: null, saved: EMPTY });
      setDocument(tab.id, { ...mine, title: t("copyOf", { title: titleOf(tab, t("untitled")) }) });
      app.set({ dialog: { kind: "save" } });
    }
  } catch (error) {
    complain(error);
  }
}

/** A workflow was saved somewhere: one without changes of its own follows, another shows the conflict. */
export async function followSaved(name: string, etag: string): Promise<void> {
  const tab = app.get().tabs.find((one) => one.name === name);
  if (!tab || tab.etag === etag || saving.has(name)) return;
  if (isDirty(tab)) return changeTab(tab.id, { conflict: etag });
  try {
    const stored = await api.workflow(name);
    const now = tabOf(tab.id);
    if (!now || now.etag === stored.etag) return;
    setDocument(tab.id, stored.workflow);
    changeTab(tab.id, { saved: tabOf(tab.id)!.history.document, etag: stored.etag });
  } catch {
    changeTab(tab.id, { conflict: etag });
  }
}

export function download(): void {
  const tab = activeTab();
  saveBlob(new Blob([canonical(tab.history.document)], { type: "application/json" }), `${fileName(titleOf(tab, "workflow"))}.json`);
}

/** Saves the workflow in the latest picture that it made, or in one of its graph. */
export async function downloadPicture(): Promise<void> {
  const tab = activeTab();
  const { document } = tab.history;
  try {
    const latest = await latestPicture(tab);
    const png = await api.picture(document, latest).catch((error: unknown) => {
      if (latest === null || !(error instanceof ApiError) || error.status === 0) throw error;
      return api.picture(document, null); // the picture is gone, or cannot be read
    });
    saveBlob(png, `${fileName(titleOf(tab, "workflow"))}.png`);
  } catch (error) {
    complain(error);
  }
}

async function latestPicture(tab: Tab): Promise<string | null> {
  const { results } = tab.job === null ? { results: [] } : await api.results({ job: tab.job, limit: 100 });
  const found = results.find((one) => one.media_type.startsWith("image/") && !one.gone);
  if (found) return found.id;
  const states = statesOf(tab.id);
  return Object.keys(nodesOf(tab.history.document)).flatMap((id) => states.get(id).pictures ?? []).at(-1) ?? null;
}

export function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function fileName(title: string): string {
  return title.replace(/[^\p{L}\p{N}._ -]+/gu, "_").trim().slice(0, 80) || "workflow";
}

export function pickFile(accept: string): Promise<File | null> {
  return new Promise((resolve) => {
    const input = document.createElement("input");
    input.type = "file";
    input.accept = accept;
    input.onchange = () => resolve(input.files?.[0] ?? null);
    input.oncancel = () => resolve(null);
    input.click();
  });
}
