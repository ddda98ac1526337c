// Decides how workflows are checked, planned and run, and how what the server tells of it reaches the nodes on screen.

import { api, ApiError } from "../api/client";
import { listen } from "../api/events";
import type { EventInfo, Job, Plan, Progress } from "../api/types";
import { shapeOf } from "../graph/catalogue";
import { changeNode, viewPart } from "../graph/edit";
import { nodesOf, own, type Workflow } from "../graph/document";
import { isObject, type Json } from "../graph/json";
import { t } from "../text";
import { activeTab, app, changeTab, complain, say, setDocument, statesOf, tabOf, takeCheck, type Tab } from "../state/app";
import { followSaved } from "../state/files";

const CHECK_AFTER_MS = 350;
const QUEUE_AFTER_MS = 120;
const jobs = new Map<string, string>();

/** Keeps problems, types, plan and the queue up to date for as long as the page lives. */
export function watchEverything(): void {
  let stop = listen(listener);
  void stop;
  let checked: Workflow | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked: AbortController | null = null;
  const check = () => {
    const tab = activeTab();
    asked?.abort();
    asked = new AbortController();
    void look(tab, asked.signal);
  };
  const changed = () => {
    const state = app.get();
    const { document } = activeTab(state).history;
    if (document === checked || !state.ready || state.connection !== "open") return;
    checked = document;
    clearTimeout(timer);
    timer = setTimeout(check, CHECK_AFTER_MS);
  };
  app.subscribe(changed);
  recheck = () => {
    checked = null;
    changed();
  };
  changed();
}

/** Asks anew what is wrong with the shown workflow, and what a run would do. */
export let recheck = () => {};

/** Asks what is wrong with the workflow, and what a run would do. */
async function look(tab: Tab, signal?: AbortSignal): Promise<void> {
  const { document } = tab.history;
  if (!Object.keys(nodesOf(document)).length) {
    statesOf(tab.id).setPlan([]);
    statesOf(tab.id).setProblems([]);
    changeTab(tab.id, { problems: [], planSeconds: null });
    return;
  }
  try {
    const reply = await api.check(document, signal);
    if (tabOf(tab.id)?.history.document !== document) return;
    takeCheck(tab.id, reply);
    if (reply.problems.length) {
      statesOf(tab.id).setPlan([]);
      return changeTab(tab.id, { planSeconds: null });
    }
    const plan = await api.plan(document, signal);
    const found = tabOf(tab.id);
    // While this very document runs, what is done so far is no news; the plan is asked for again at the end.
    if (found?.history.document === document && !(found.running && ranLast.get(tab.id) === document)) takePlan(tab.id, plan);
  } catch (error) {
    if (!signal?.aborted && error instanceof ApiError && error.status === 422) statesOf(tab.id).setPlan([]);
  }
  const now = tabOf(tab.id);
  if (app.get().runOnChange && now && !now.problems.length && now.history.document === document && ranLast.get(tab.id) !== document) void run();
}

const ranLast = new Map<string, Workflow>();

function takePlan(id: string, plan: Plan): void {
  statesOf(id).setPlan((plan.nodes ?? []).map((node) => [node.node, { status: node.status, reason: node.reason, seconds: node.seconds }]));
  changeTab(id, { planSeconds: plan.seconds ?? null });
}

/** Runs the shown workflow: all of it, or what the given nodes need. Seeds that are not locked are drawn anew before. */
export async function run(targets: readonly string[] | null = null, inputs: { readonly [name: string]: Json } = {}, title = ""): Promise<Job | null> {
  const first = activeTab();
  const rolled = rollSeeds(first.history.document);
  if (rolled !== first.history.document) setDocument(first.id, rolled, "seeds");
  const tab = tabOf(first.id)!;
  const { document } = tab.history;
  ranLast.set(tab.id, document);
  try {
    const { job, plan } = await api.run({ workflow: document, inputs, targets, title: title || tab.name || document.title || "" });
    jobs.set(job.id, tab.id);
    statesOf(tab.id).begin();
    takePlan(tab.id, plan);
    const ended = job.ended_at != null;
    changeTab(tab.id, { job: job.id, running: !ended, problems: [] });
    for (const [path, node] of Object.entries(job.nodes ?? {})) statesOf(tab.id).report(path, { status: node.status, seconds: node.seconds, reason: node.reason });
    // What happened before this answer came was told before anyone listened for it: so it is asked for.
    void (ended ? finish(job.id, tab.id) : catchUp(tab.id, job.id));
    return job;
  } catch (error) {
    if (error instanceof ApiError && error.problems.length) {
      changeTab(tab.id, { problems: error.problems });
      statesOf(tab.id).setProblems(error.problems);
      say(t("cannotRun", { count: error.problems.length, first: error.problems[0]!.cause }), "error");
    } else complain(error);
    return null;
  }
}

export async function cancel(): Promise<void> {
  const { job } = activeTab();
  if (job) await api.cancel(job).catch(complain);
}

/** Where a node keeps that a seed of it is drawn anew before each run. */
export function rollsAt(workflow: Workflow, node: string): readonly string[] {
  const view = own(viewPart(workflow, "nodes"), node);
  const rolls = isObject(view) ? view.rolls : undefined;
  return Array.isArray(rolls) ? rolls.filter((one): one is string => typeof one === "string") : [];
}

export function randomSeed(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high & 0xfffff) * 2 ** 32 + low;
}

function rollSeeds(document: Workflow): Workflow {
  let next = document;
  for (const [id, entry] of Object.entries(nodesOf(document))) {
    const rolls = rollsAt(document, id);
    if (!rolls.length) continue;
    const shape = shapeOf(document, [], entry, app.get().catalogue);
    for (const field of shape.inputs) {
      if (field.seed && rolls.includes(field.name) && own(entry.links, field.name) === undefined) {
        next = changeNode(next, id, (one) => ({ ...one, values: { ...one.values, [field.name]: randomSeed() } }));
      }
    }
  }
  return next;
}

// what the server tells

let queueTimer: ReturnType<typeof setTimeout> | undefined;
let asked = 0;
export function refreshQueue(): void {
  queueTimer ??= setTimeout(() => {
    queueTimer = undefined;
    const mine = (asked += 1); // an answer that a later question has overtaken tells of an earlier order
    api.queue().then((queue) => mine === asked && app.set({ queue })).catch(() => {});
  }, QUEUE_AFTER_MS);
}

const listener = {
  connection(connection: "connecting" | "open" | "lost") {
    if (app.get().connection === connection) return;
    app.set({ connection });
    if (connection === "open") {
      recheck();
      refreshQueue();
      for (const tab of app.get().tabs) if (tab.job) void catchUp(tab.id, tab.job);
    }
  },
  progress({ job, node, done, total }: Progress) {
    const tab = jobs.get(job);
    if (tab) statesOf(tab).change(node, { status: "running", done, total });
  },
  preview({ job, node, picture }: { job: string; node: string; picture: Blob }) {
    const tab = jobs.get(job);
    if (tab && tabOf(tab)?.running) statesOf(tab).change(node, { preview: URL.createObjectURL(picture) });
  },
  event(event: EventInfo) {
    if (event.kind.startsWith("job_") || event.kind.startsWith("queue_")) refreshQueue();
    if (event.kind.startsWith("result_")) app.set((state) => ({ resultsVersion: state.resultsVersion + 1 }));
    if (event.kind === "result_trashed") for (const tab of app.get().tabs) statesOf(tab.id).dropPicture(text(event.data?.id));
    if (event.kind === "result_restored") for (const tab of app.get().tabs) if (tab.job && !tab.running) void showResults(tab.job, tab.id).catch(complain);
    if (event.kind === "workflow_saved") void followSaved(text(event.data?.name), text(event.data?.etag));
    const tab = event.job ? jobs.get(event.job) : undefined;
    if (!tab || !event.job || tabOf(tab)?.job !== event.job) return;
    tell(tab, event.job, event);
  },
};

function tell(tab: string, job: string, { kind, data = {} }: EventInfo): void {
  const states = statesOf(tab);
  const node = text(data.node);
  switch (kind) {
    case "node_started":
      return states.change(node, { status: "running", reason: text(data.reason), done: 0, total: 0, error: undefined });
    case "node_finished":
      return states.report(node, { status: "ran", seconds: amount(data.seconds), memory: amount(data.memory_bytes), preview: undefined });
    case "node_served":
      return states.report(node, { status: "served" });
    case "node_failed":
      return states.change(node, { status: "failed", error: { cause: text(data.cause), action: text(data.action) }, preview: undefined });
    case "node_blocked":
      return states.change(node, { status: "blocked" });
    case "file_written": {
      const earlier = written.get(`${job}/${node}`) ?? [];
      written.set(`${job}/${node}`, [...earlier, text(data.result)]);
      return states.change(node, { pictures: [...earlier, text(data.result)], preview: undefined });
    }
    case "job_succeeded":
    case "job_failed":
    case "job_cancelled":
      void finish(job, tab);
  }
}

const written = new Map<string, string[]>();
const text = (value: unknown) => (typeof value === "string" ? value : "");
const amount = (value: unknown) => (typeof value === "number" ? value : null);

/** A job has ended: what it made is shown on its nodes, also where it was served without being made again. */
async function finish(job: string, tab: string): Promise<void> {
  try {
    const detail = await api.job(job);
    const states = statesOf(tab);
    if (tabOf(tab)?.job !== job) return;
    changeTab(tab, { running: false });
    for (const [path, node] of Object.entries(detail.nodes ?? {})) states.report(path, { status: node.status, seconds: node.seconds, memory: node.memory_bytes, preview: undefined });
    for (const error of detail.errors ?? []) {
      if (error.node) states.change(error.node, { status: "failed", error: { cause: error.cause, action: error.action ?? "" }, preview: undefined });
      else say(`${error.cause} ${error.action ?? ""}`, "error");
    }
    await showResults(job, tab);
    recheck();
  } catch (error) {
    changeTab(tab, { running: false });
    complain(error);
  }
}

async function showResults(job: string, tab: string): Promise<void> {
  const { results } = await api.results({ job, limit: 200 });
  const byNode = new Map<string, string[]>();
  for (const result of [...results].reverse()) if (result.node) byNode.set(result.node, [...(byNode.get(result.node) ?? []), result.id]);
  for (const [node, pictures] of byNode) statesOf(tab).change(node, { pictures, preview: undefined });
}

/** After a break or a reload: what became of the tab's last job. */
async function catchUp(tab: string, job: string): Promise<void> {
  jobs.set(job, tab);
  try {
    const detail = await api.job(job);
    if (tabOf(tab)?.job !== job) return;
    if (detail.ended_at != null) return finish(job, tab);
    changeTab(tab, { running: true });
    for (const [path, node] of Object.entries(detail.nodes ?? {})) statesOf(tab).report(path, { status: node.status, seconds: node.seconds });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) changeTab(tab, { job: null, running: false });
  }
}
