// Written by scripts/api_types.py from web_ui/schema.py. Do not edit.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type SentenceCode =
  | "a_bool"
  | "a_float"
  | "a_text"
  | "a_type"
  | "add_definition"
  | "add_sink"
  | "an_int"
  | "at_input"
  | "basis_unreadable"
  | "basis_untold"
  | "begin_with_letter"
  | "blocked"
  | "both"
  | "bound_otherwise"
  | "cannot_be_opened"
  | "cannot_go_before"
  | "cannot_move"
  | "cannot_repeat"
  | "carries_nothing"
  | "changed_meanwhile"
  | "changes"
  | "check_file"
  | "choices_are"
  | "choose_another"
  | "choose_inside"
  | "choose_listed"
  | "choose_other_file"
  | "choose_other_name"
  | "choose_shorter"
  | "circle"
  | "close_or_retry"
  | "contains_itself"
  | "correct_file"
  | "correct_from"
  | "correct_input"
  | "correct_to"
  | "declared_inputs_are"
  | "definition_no_input"
  | "definition_no_output"
  | "deleted_outside"
  | "did_you_mean"
  | "did_you_mean_choice"
  | "did_you_mean_name"
  | "did_you_mean_workflow"
  | "disk_refused"
  | "empty"
  | "ended_with_code"
  | "every_run"
  | "fault_of_loom"
  | "fault_of_node"
  | "fault_of_unknown_node"
  | "file_changed"
  | "file_damaged"
  | "file_too_large"
  | "first_time"
  | "folder_held"
  | "folder_leads_away"
  | "give_list"
  | "give_value"
  | "gone_from_trash"
  | "half_character"
  | "handle_anew"
  | "has_items"
  | "how_often_missing"
  | "input_changed"
  | "input_sets_nothing"
  | "input_will_change"
  | "inputs_are"
  | "insert"
  | "install_pack"
  | "integer_too_large"
  | "is_a_link"
  | "is_no_file"
  | "keep_one_link"
  | "key_twice"
  | "killed_by_signal"
  | "leave_out"
  | "lengths_differ"
  | "link_instead"
  | "link_list"
  | "link_to_it"
  | "link_type"
  | "linked_to_nothing"
  | "list_muted"
  | "make_it_smaller"
  | "make_room"
  | "make_smaller"
  | "misfit"
  | "moved_or_deleted"
  | "moved_outside"
  | "muted"
  | "muted_target"
  | "name_bytes"
  | "name_characters"
  | "name_device"
  | "name_ends"
  | "name_far_too_long"
  | "name_in_over"
  | "name_mark"
  | "name_missing"
  | "name_sign"
  | "name_signs"
  | "name_taken"
  | "name_target"
  | "needed"
  | "newer_format"
  | "no_declared_input"
  | "no_definition"
  | "no_input_file"
  | "no_job"
  | "no_json"
  | "no_known_workflow"
  | "no_list"
  | "no_list_named"
  | "no_memory"
  | "no_migration"
  | "no_node_type"
  | "no_picture"
  | "no_result"
  | "no_revision"
  | "no_revision_number"
  | "no_self_repeat"
  | "no_such_input"
  | "no_such_output"
  | "no_target"
  | "no_timeline"
  | "no_workflow"
  | "none"
  | "not_a_choice"
  | "not_an_object"
  | "not_finite"
  | "not_of_type"
  | "not_utf8"
  | "not_writable"
  | "not_written"
  | "nothing_called"
  | "nothing_given"
  | "nothing_saved"
  | "now_a_value"
  | "now_linked"
  | "number_too_large"
  | "one_needed"
  | "open_carrier"
  | "open_or_save_as"
  | "other_format"
  | "other_node_version"
  | "other_version"
  | "output_from_no_output"
  | "output_from_nothing"
  | "outputs_are"
  | "outputs_of_are"
  | "outside"
  | "picture_bytes"
  | "picture_damaged"
  | "picture_gone"
  | "picture_not_kept"
  | "picture_unreadable"
  | "put_file"
  | "put_file_itself"
  | "queue_full"
  | "relink"
  | "remove_folder_link"
  | "remove_one_link"
  | "report_log"
  | "result_gone"
  | "result_gone_from_disk"
  | "revision_damaged"
  | "same_lengths"
  | "save_again"
  | "say_how_often"
  | "see_job_log"
  | "set_up_anew"
  | "so_large"
  | "split_list"
  | "split_workflow"
  | "the_picture"
  | "thumbnail_not_kept"
  | "token_stands"
  | "too_busy"
  | "too_deep"
  | "too_many_bytes"
  | "too_many_links"
  | "too_many_nodes"
  | "too_often"
  | "try_again"
  | "unchanged"
  | "unknown_format"
  | "unknown_node_type"
  | "unmute_list"
  | "unmute_target"
  | "unreadable"
  | "update_pack"
  | "upload_it"
  | "value_changed"
  | "values_not_brought"
  | "within"
  | "worker_died"
  | "workflow_not_written"
  | "write"
  | "wrong_token";

export interface Sentence {
  code: string;
  facts?: Record<string, Json>;
}

export interface ProblemEntry {
  code: string;
  cause: string;
  action: string;
  node?: string | null;
  input?: string | null;
  said?: Record<string, Sentence>;
}

export interface ProblemDetails {
  type?: string;
  title: string;
  status: number;
  detail: string;
  action?: string;
  problems?: ProblemEntry[];
  said?: Record<string, Sentence>;
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
  said?: Record<string, Sentence>;
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
  said?: Record<string, Sentence>;
}

export interface NodeRun {
  status: "ran" | "served" | "failed" | "blocked";
  reason?: string;
  seconds?: number | null;
  memory_bytes?: number | null;
  said?: Record<string, Sentence>;
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
  said?: Record<string, Sentence>;
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
