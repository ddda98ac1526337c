// Decides what is shown of a run on each node. It is kept apart from the document and from the canvas' list of nodes:
// a step of progress renders one node, and undo knows nothing of it.

import { useSyncExternalStore } from "react";
import type { ProblemEntry } from "../api/types";

export interface NodeRunState {
  readonly status?: "waiting" | "running" | "ran" | "served" | "failed" | "blocked";
  readonly reason?: string;
  readonly done?: number;
  readonly total?: number;
  readonly seconds?: number | null;
  readonly memory?: number | null;
  readonly error?: { readonly cause: string; readonly action: string };
  readonly preview?: string;
  readonly pictures?: readonly string[];
}

export interface Planned {
  readonly status: "runs" | "cached" | "muted";
  readonly reason: string;
  readonly seconds?: number | null;
}

const NONE: NodeRunState = {};
const NO_PROBLEMS: readonly ProblemEntry[] = [];

/** The state of one tab's nodes, by path. Watchers are told of their own node alone. */
export class NodeStates {
  private states = new Map<string, NodeRunState>();
  private plans = new Map<string, Planned>();
  private problems = new Map<string, readonly ProblemEntry[]>();
  private listeners = new Map<string, Set<() => void>>();
  private anyone = new Set<() => void>();
  private pictured = 0;

  get = (path: string): NodeRunState => this.states.get(path) ?? NONE;
  plan = (path: string): Planned | undefined => this.plans.get(path);
  problemsOf = (path: string): readonly ProblemEntry[] => this.problems.get(path) ?? NO_PROBLEMS;

  /** Counts up when a node gets its first picture or loses its last: then heights change. */
  pictures = (): number => this.pictured;

  change(path: string, change: Partial<NodeRunState>): void {
    const before = this.get(path);
    const next = { ...before, ...change };
    if (before.preview && before.preview !== next.preview) URL.revokeObjectURL(before.preview);
    this.states.set(path, next);
    if (shows(before) !== shows(next)) this.tellAll();
    this.tell(path);
    const slash = path.lastIndexOf("/");
    if (slash > 0 && change.status) this.outer(path.slice(0, slash).replace(/\[\d+\]$/, ""), change);
  }

  /** What the server tells of a node of the run. Once it is done, what was planned for it is past, until there is a new plan. */
  report(path: string, change: Partial<NodeRunState>): void {
    if (change.status === "ran" || change.status === "served") this.plans.delete(path);
    this.change(path, change);
  }

  /** A subgraph shows what goes on inside: it runs while one inside does, and has failed when one has. */
  private outer(path: string, inner: Partial<NodeRunState>): void {
    const { status, seconds = 0, error } = this.get(path);
    if (status === "failed") return;
    const more = (seconds ?? 0) + (inner.seconds ?? 0);
    this.change(path, { status: inner.status === "served" && status === "ran" ? "ran" : inner.status, seconds: more, error: inner.error ?? error });
  }

  /** A new run begins: what the last one said goes, its pictures stay until there are new ones. */
  begin(): void {
    for (const [path, state] of this.states) {
      if (state.preview) URL.revokeObjectURL(state.preview);
      this.states.set(path, state.pictures ? { pictures: state.pictures } : NONE);
      this.tell(path);
    }
  }

  dropPicture(result: string): void {
    for (const [path, { pictures }] of this.states) if (pictures?.includes(result)) this.change(path, { pictures: pictures.filter((one) => one !== result) });
  }

  setPlan(nodes: Iterable<[string, Planned]>): void {
    const before = this.plans;
    this.plans = new Map(nodes);
    for (const path of new Set([...before.keys(), ...this.plans.keys()])) {
      const [old, now] = [before.get(path), this.plans.get(path)];
      if (old?.status === now?.status && old?.reason === now?.reason && old?.seconds === now?.seconds) {
        if (old) this.plans.set(path, old);
      } else this.tell(path);
    }
  }

  setProblems(problems: readonly ProblemEntry[]): void {
    const before = this.problems;
    const after = new Map<string, ProblemEntry[]>();
    for (const problem of problems) {
      if (!problem.node) continue;
      const list = after.get(problem.node);
      if (list) list.push(problem);
      else after.set(problem.node, [problem]);
    }
    this.problems = after;
    for (const path of new Set([...before.keys(), ...after.keys()])) {
      const [old, now] = [before.get(path), after.get(path)];
      if (JSON.stringify(old) === JSON.stringify(now)) {
        if (old) after.set(path, old as ProblemEntry[]);
      } else this.tell(path);
    }
  }

  watch = (path: string, listener: () => void): (() => void) => {
    const set = this.listeners.get(path) ?? new Set();
    this.listeners.set(path, set.add(listener));
    return () => set.delete(listener);
  };

  watchPictures = (listener: () => void): (() => void) => {
    this.anyone.add(listener);
    return () => this.anyone.delete(listener);
  };

  private tell(path: string): void {
    for (const listener of [...(this.listeners.get(path) ?? [])]) listener();
  }

  private tellAll(): void {
    this.pictured += 1;
    for (const listener of [...this.anyone]) listener();
  }
}

export function shows(state: NodeRunState): boolean {
  return Boolean(state.preview || state.pictures?.length);
}

export function useNodeState(states: NodeStates, path: string): NodeRunState {
  return useSyncExternalStore((listener) => states.watch(path, listener), () => states.get(path));
}

export function useNodePlan(states: NodeStates, path: string): Planned | undefined {
  return useSyncExternalStore((listener) => states.watch(path, listener), () => states.plan(path));
}

export function useNodeProblems(states: NodeStates, path: string): readonly ProblemEntry[] {
  return useSyncExternalStore((listener) => states.watch(path, listener), () => states.problemsOf(path));
}
