// Decides how the server is asked: one function a call, and one error for everything that can go wrong, with what to do next.
// Documents travel as exact JSON (graph/json), so that no digit of a seed is lost on the way.

import { anyTextOf, readAnswer, type Workflow } from "../graph/document";
import { parse, stringify, Written, type Json as ExactJson } from "../graph/json";
import { heard, t } from "../text";
import { summaryInWords, templateInWords } from "../text/templates";
import type * as Api from "./types";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly action = "",
    readonly problems: readonly Api.ProblemEntry[] = [],
    readonly etag: string | null = null,
  ) {
    super(message);
  }
}

export const BASE = new URL(".", document.baseURI).pathname.replace(/\/$/, "");
export const address = (path: string) => `${BASE}/api/${path}`;

interface Asked {
  method?: string;
  body?: unknown;
  blob?: Blob;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

async function ask(path: string, { method = "GET", body, blob, headers = {}, signal }: Asked = {}): Promise<Response> {
  let response: Response;
  const type: Record<string, string> = blob ? { "Content-Type": blob.type } : body === undefined ? (method === "GET" ? {} : { "Content-Type": "application/json" }) : { "Content-Type": "application/json" };
  try {
    response = await fetch(address(path), { method, headers: { ...type, ...headers }, body: blob ?? (body === undefined ? undefined : stringify(body as ExactJson)), signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, t("serverSilent"), t("serverSilentAction"));
  }
  if (response.ok || response.status === 304) return response;
  const problem = await response.json().then(heard<Partial<Api.ProblemDetails>>).catch((): Partial<Api.ProblemDetails> => ({}));
  throw new ApiError(response.status, problem.detail || problem.title || t("serverAnswered", { status: response.status }), problem.action ?? "", problem.problems ?? [], problem.etag ?? null);
}

async function json<T>(path: string, asked?: Asked): Promise<T> {
  return heard<T>(await (await ask(path, asked)).json());
}

/** An answer that holds a document. */
async function exact<T>(path: string, asked?: Asked): Promise<T & { workflow: Workflow }> {
  return readAnswer(await (await ask(path, asked)).text()) as unknown as T & { workflow: Workflow };
}

/** An answer that holds values of documents. */
async function data<T>(path: string, asked?: Asked): Promise<T> {
  return parse(await (await ask(path, asked)).text()) as unknown as T;
}

const sent = (workflow: Workflow) => new Written(anyTextOf(workflow));

const query = (values: Record<string, string | number | boolean | undefined>) => {
  const found = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) if (value !== undefined && value !== "") found.set(key, String(value));
  return found.size ? `?${found}` : "";
};
const name = encodeURIComponent;

export interface RunAsked {
  workflow: Workflow;
  inputs?: { readonly [name: string]: ExactJson };
  targets?: readonly string[] | null;
  title: string;
  priority?: number;
}

export const CLIENT = (() => {
  try {
    const known = localStorage.getItem("loom.client") ?? crypto.randomUUID?.() ?? String(Math.random()).slice(2);
    localStorage.setItem("loom.client", known);
    return known;
  } catch {
    return "browser";
  }
})();

export const api = {
  session: () => json<Api.Session>("session"),
  logIn: (token: string) => json<Api.Session>("session", { method: "POST", body: { token } }),
  nodes: () => json<Api.NodePage>("nodes?limit=1000"),
  choices: (type: string, input: string) => json<Api.Choices>(`nodes/${name(type)}/choices/${name(input)}`),
  check: (workflow: Workflow, signal?: AbortSignal) => json<Api.CheckReply>("check", { method: "POST", body: { workflow: sent(workflow) }, signal }),
  plan: (workflow: Workflow, signal?: AbortSignal) => json<Api.Plan>("plan", { method: "POST", body: { workflow: sent(workflow) }, signal }),
  run: ({ workflow, inputs = {}, targets = null, title, priority = 0 }: RunAsked) =>
    json<Api.Submitted>("runs", {
      method: "POST",
      headers: { "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()) },
      body: { workflow: sent(workflow), inputs, targets, title: title.slice(0, 200), priority, client: CLIENT },
    }),
  job: (id: string) => json<Api.JobDetail>(`runs/${id}`),
  jobs: (limit = 30) => json<Api.JobPage>(`runs${query({ limit })}`),
  cancel: (id: string) => json<Api.JobDetail>(`runs/${id}/cancel`, { method: "POST" }),
  retry: (id: string) => json<Api.Submitted>(`runs/${id}/retry`, { method: "POST" }),
  changeJob: (id: string, change: Api.JobChange) => json<Api.JobDetail>(`runs/${id}`, { method: "PATCH", body: change }),
  jobWorkflow: (id: string) => exact<Api.OpenedFile>(`runs/${id}/workflow`),
  queue: () => json<Api.Queue>("queue"),
  changeQueue: (what: "pause" | "resume" | "clear") => json<Api.Queue>(`queue/${what}`, { method: "POST" }),
  now: () => json<Api.EventPage>("events"),
  workflows: (search = "") => json<Api.WorkflowPage>(`workflows${query({ search, limit: 200 })}`),
  workflow: (stored: string) => exact<Api.StoredWorkflow>(`workflows/${name(stored)}`),
  /** `etag` null creates; else the content that is to be replaced. */
  save: (stored: string, workflow: Workflow, etag: string | null) =>
    exact<Api.StoredWorkflow>(`workflows/${name(stored)}`, {
      method: "PUT",
      headers: etag === null ? { "If-None-Match": "*" } : { "If-Match": quoted(etag) },
      body: { workflow: sent(workflow) },
    }),
  removeWorkflow: (stored: string, etag: string) => ask(`workflows/${name(stored)}`, { method: "DELETE", headers: { "If-Match": quoted(etag) } }),
  renameWorkflow: (stored: string, to: string) => exact<Api.StoredWorkflow>(`workflows/${name(stored)}/rename`, { method: "POST", body: { name: to } }),
  revisions: (stored: string) => json<Api.RevisionList>(`workflows/${name(stored)}/revisions`),
  revision: (stored: string, number: number) => exact<Api.StoredWorkflow>(`workflows/${name(stored)}/revisions/${number}`),
  templates: async () => (await json<Api.WorkflowPage>("templates")).workflows.map(summaryInWords),
  template: async (stored: string) => templateInWords((await exact<Api.StoredWorkflow>(`templates/${name(stored)}`)).workflow),
  open: (file: Blob) => exact<Api.OpenedFile>("open", { method: "POST", blob: file }),
  /** A PNG that holds the document, over a picture that was made or over one of its graph. */
  picture: async (workflow: Workflow, result: string | null) => (await ask("picture", { method: "POST", body: { workflow: sent(workflow), result } })).blob(),
  diff: (before: Workflow, after: Workflow) => data<Api.DiffReply>("diff", { method: "POST", body: { before: sent(before), after: sent(after) } }),
  results: (asked: { search?: string; favourite?: boolean; trashed?: boolean; job?: string; offset?: number; limit?: number } = {}) => json<Api.ResultPage>(`results${query(asked)}`),
  result: (id: string) => json<Api.ResultDetail>(`results/${id}`),
  resultWorkflow: (id: string) => exact<Api.OpenedFile>(`results/${id}/workflow`),
  favour: (id: string, favourite: boolean) => json<Api.ResultDetail>(`results/${id}`, { method: "PATCH", body: { favourite } }),
  trash: (id: string) => ask(`results/${id}`, { method: "DELETE" }),
  restore: (id: string) => json<Api.ResultDetail>(`results/${id}/restore`, { method: "POST" }),
  emptyTrash: () => json<Api.TrashEmptied>("trash/empty", { method: "POST" }),
  upload: (file: Blob) => json<Api.Uploaded>("uploads", { method: "POST", blob: file }),
};

const quoted = (etag: string) => (/^(W\/)?"/.test(etag) ? etag : `"${etag}"`);

export const picture = {
  full: (result: string) => address(`results/${result}/file`),
  thumbnail: (result: string) => address(`results/${result}/thumbnail`),
  input: (file: string) => address(`inputs/${name(file)}`),
  template: (stored: string) => address(`templates/${name(stored)}/picture`),
  choiceThumbnail: (type: string, input: string, option: string) => address(`nodes/${name(type)}/choices/${name(input)}/thumbnail${query({ name: option })}`),
  inputThumbnail: (file: string) => address(`inputs/${name(file)}/thumbnail`),
};
