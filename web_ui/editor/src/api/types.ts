// Written by scripts/api_types.py from web_ui/schema.py. Do not edit.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface ProblemEntry {
  code: string;
  cause: string;
  action: string;
  node?: string | null;
  input?: string | null;
}

export interface ProblemDetails {
  type?: string;
  title: string;
  status: number;
  detail: string;
  action?: string;
  problems?: ProblemEntry[];
  etag?: string | null;
}

export interface SocketTypeInfo {
  kind: "named" | "variable" | "list" | "union" | "any";
  name?: string;
  parameters?: SocketTypeInfo[];
  item?: SocketTypeInfo | null;
  options?: SocketTypeInfo[];
  text: string;
}

export interface NumberRange {
  minimum: number | null;
  maximum: number | null;
  exclude_minimum?: boolean;
  step?: number | null;
  unit?: string;
}

export interface InputInfo {
  name: string;
  type: SocketTypeInfo;
  required: boolean;
  default?: Json;
  optional?: boolean;
  lazy?: boolean;
  range?: NumberRange | null;
  choices?: string[] | null;
  choice_of?: string | null;
  multiline?: boolean;
  colour?: boolean;
  strokes?: boolean;
  seed?: boolean;
  help?: string;
}

export interface OutputInfo {
  name: string;
  type: SocketTypeInfo;
  help?: string;
}

export interface NodeInfo {
  type: string;
  version: number;
  title: string;
  category: string;
  summary: string;
  description: string;
  example: string;
  pack: string;
  lane: string;
  sink: boolean;
  volatile: boolean;
  conversion: boolean;
  inputs: InputInfo[];
  outputs: OutputInfo[];
}

export interface NodePage {
  nodes: NodeInfo[];
  total: number;
}

export interface Choices {
  choices: string[];
  pictures?: string[];
}

export interface DeclaredInputInfo {
  name: string;
  title: string;
  help: string;
  field: InputInfo;
  required: boolean;
  default?: Json;
}

export interface CheckRequest {
  workflow: Record<string, Json>;
  inputs?: Record<string, Json>;
  targets?: string[] | null;
}

export interface CheckReply {
  problems: ProblemEntry[];
  warnings: ProblemEntry[];
  inputs: DeclaredInputInfo[];
  types: Record<string, Record<string, SocketTypeInfo>>;
}

export interface PlannedNode {
  node: string;
  type: string;
  status: "runs" | "cached" | "muted";
  reason: string;
  seconds?: number | null;
  size_bytes?: number | null;
}

export interface Plan {
  known?: boolean;
  nodes?: PlannedNode[];
  seconds?: number | null;
}

export interface RunRequest {
  workflow?: Record<string, Json> | null;
  name?: string | null;
  inputs?: Record<string, Json>;
  targets?: string[] | null;
  title?: string;
  priority?: number;
  client?: string;
  webhook?: string | null;
}

export interface StoredRunRequest {
  inputs?: Record<string, Json>;
  targets?: string[] | null;
  title?: string;
  priority?: number;
  client?: string;
  webhook?: string | null;
}

export interface JobChange {
  priority?: number | null;
  before?: string | null;
}

export interface JobError {
  cause: string;
  action?: string;
  node?: string | null;
  type?: string | null;
}

export interface NodeRun {
  status: "ran" | "served" | "failed" | "blocked";
  reason?: string;
  seconds?: number | null;
  memory_bytes?: number | null;
}

export interface JobOutput {
  name: string;
  value: Json;
}

export interface Job {
  id: string;
  state: "queued" | "running" | "succeeded" | "failed" | "cancelled" | "interrupted";
  title: string;
  client: string;
  priority: number;
  created_at: number;
  started_at?: number | null;
  ended_at?: number | null;
  device?: string | null;
  position?: number | null;
  done?: number;
  total?: number;
  errors?: JobError[];
  results?: string[];
}

export interface JobDetail {
  id: string;
  state: "queued" | "running" | "succeeded" | "failed" | "cancelled" | "interrupted";
  title: string;
  client: string;
  priority: number;
  created_at: number;
  started_at?: number | null;
  ended_at?: number | null;
  device?: string | null;
  position?: number | null;
  done?: number;
  total?: number;
  errors?: JobError[];
  results?: string[];
  inputs?: Record<string, Json>;
  targets?: string[] | null;
  workflow_name?: string | null;
  outputs?: JobOutput[];
  nodes?: Record<string, NodeRun>;
  attempts?: number;
}

export interface JobPage {
  jobs: Job[];
  total: number;
}

export interface Submitted {
  job: JobDetail;
  plan: Plan;
  repeated?: boolean;
}

export interface WorkerInfo {
  device: string;
  state: "starting" | "idle" | "busy" | "stopped";
  job?: string | null;
  models?: string[];
  restarts?: number;
}

export interface Queue {
  paused: boolean;
  jobs: Job[];
  workers: WorkerInfo[];
}

export interface JobLog {
  lines: string[];
}

export interface EventInfo {
  cursor: number;
  at: number;
  kind: string;
  job?: string | null;
  data?: Record<string, Json>;
}

export interface Progress {
  kind?: "progress";
  job: string;
  node: string;
  done: number;
  total: number;
}

export interface EventPage {
  events: EventInfo[];
  cursor: number;
}

export interface WorkflowSummary {
  name: string;
  title: string;
  description: string;
  etag: string;
  saved_at: number;
  size_bytes: number;
  nodes: number;
  problem?: string;
}

export interface WorkflowPage {
  workflows: WorkflowSummary[];
  total: number;
}

export interface StoredWorkflow {
  name: string;
  etag: string;
  saved_at: number;
  workflow: Record<string, Json>;
}

export interface WorkflowWrite {
  workflow: Record<string, Json>;
}

export interface RenameRequest {
  name: string;
}

export interface Revision {
  number: number;
  etag: string;
  saved_at: number;
  size_bytes: number;
}

export interface RevisionList {
  revisions: Revision[];
}

export interface OpenedFile {
  workflow: Record<string, Json>;
  inputs?: Record<string, Json>;
}

export interface PictureRequest {
  workflow: Record<string, Json>;
  result?: string | null;
}

export interface DiffRequest {
  before: Record<string, Json>;
  after: Record<string, Json>;
}

export interface DiffEntry {
  place: string[];
  kind: "added" | "removed" | "changed";
  before?: Json;
  after?: Json;
}

export interface DiffRename {
  within: string[];
  before: string;
  after: string;
}

export interface DiffReply {
  renames: DiffRename[];
  changes: DiffEntry[];
  layout: DiffEntry[];
}

export interface Result {
  id: string;
  file: string;
  media_type: string;
  size_bytes: number;
  width?: number | null;
  height?: number | null;
  created_at: number;
  job?: string | null;
  node?: string;
  title?: string;
  prompt?: string;
  seed?: number | null;
  model?: string;
  favourite?: boolean;
  trashed_at?: number | null;
  gone?: boolean;
}

export interface ResultPage {
  results: Result[];
  total: number;
}

export interface ResultDetail {
  id: string;
  file: string;
  media_type: string;
  size_bytes: number;
  width?: number | null;
  height?: number | null;
  created_at: number;
  job?: string | null;
  node?: string;
  title?: string;
  prompt?: string;
  seed?: number | null;
  model?: string;
  favourite?: boolean;
  trashed_at?: number | null;
  gone?: boolean;
  inputs?: Record<string, Json>;
  record?: Record<string, Json>;
}

export interface TrashEmptied {
  deleted: number;
}

export interface ResultChange {
  favourite: boolean;
}

export interface Uploaded {
  name: string;
  width: number;
  height: number;
  size_bytes: number;
}

export interface Health {
  status?: "ok";
  version: string;
}

export interface Ready {
  ready: boolean;
  reasons?: string[];
  notes?: string[];
}

export interface SessionRequest {
  token: string;
}

export interface Session {
  authenticated: boolean;
  required: boolean;
}
