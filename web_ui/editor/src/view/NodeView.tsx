// Decides how a node looks: title, sockets, fields, what a run says of it. Far away it is a titled box.

import { Handle, Position, useStore, type NodeProps } from "@xyflow/react";
import { memo, useCallback, type KeyboardEvent } from "react";
import type { InputInfo, OutputInfo } from "../api/types";
import { picture } from "../api/client";
import { inputOf, outputOf } from "../graph/catalogue";
import { linksOf, nodesOf, own, split } from "../graph/document";
import { type Row } from "../graph/geometry";
import type { Json } from "../graph/json";
import { complaint, Widget } from "../fields/Field";
import { useNodePlan, useNodeProblems, useNodeState, type NodeStates } from "../run/nodes";
import { randomSeed } from "../run/runs";
import { activeTab, announce, app, dispatch, enter, say, shown, statesOf, useApp } from "../state/app";
import { t, tell } from "../text";
import { colourOf } from "./colours";
import { Icon } from "./Icon";
import { humanName, isLong, seconds, wholeTold } from "./format";
import { judge, startLinking, useVerdict, type End } from "./linking";
import type { GraphNode, NodeData } from "./projection";
import { useTurns } from "./turns";
import { useDetail } from "./wheel";

export const FAR_BELOW = 0.5;

export const NodeView = memo(function NodeView({ id, data, selected }: NodeProps<Extract<GraphNode, { type?: "loom" }>>) {
  const full = useDetail(useStore((state) => state.transform[2] >= FAR_BELOW));
  const states = statesOf(data.tab);
  if (!full) return <FarNode data={data} states={states} selected={selected} />;
  return <NearNode id={id} data={data} selected={selected} states={states} />;
});

function FarNode({ data, states, selected }: { data: NodeData; states: NodeStates; selected: boolean }) {
  const run = useNodeState(states, data.path);
  return (
    <div className="node far" data-status={run.status} data-colour={data.colour || undefined} data-selected={selected || undefined} data-mode={data.entry.mode} data-unknown={!data.shape.known || undefined}>
      {data.entry.title || data.shape.title}
    </div>
  );
}

function NearNode({ id, data, selected, states }: { id: string; data: NodeData; selected: boolean; states: NodeStates }) {
  const { entry, shape, geometry } = data;
  const problems = useNodeProblems(states, data.path);
  const run = useNodeState(states, data.path);
  const come = useTurns(geometry.rows.length);
  const title = entry.title || shape.title;
  const wrong = run.status === "failed" || problems.some((one) => one.code !== "missing_input");
  return (
    <div
      className="node"
      data-status={run.status}
      data-colour={data.colour || undefined}
      data-selected={selected || undefined}
      data-mode={entry.mode}
      data-wrong={wrong || undefined}
      data-unknown={!shape.known || undefined}
      data-collapsed={data.collapsed || undefined}
    >
      <div className="node-head" title={shape.summary || entry.type} onDoubleClick={(event) => shape.definition && (event.stopPropagation(), enter(id))}>
        <button type="button" className="fold nodrag" aria-expanded={!data.collapsed} aria-label={`${title}: ${data.collapsed ? t("unfold") : t("fold")}`} onClick={() => dispatch({ type: "node/set", ids: [id], collapsed: !data.collapsed })}>
          <Icon name={data.collapsed ? "right" : "down"} />
        </button>
        <span className="node-title">{title}</span>
        {shape.definition && (
          <button type="button" className="fold nodrag" onClick={() => enter(id)} title={t("openSubgraph")} aria-label={`${title}: ${t("openSubgraph")}`}>
            <Icon name="expand" />
          </button>
        )}
        <Badge path={data.path} states={states} mode={entry.mode} wrong={wrong || problems.length > 0} calm={!wrong} problems={problems.map(wholeTold).join("\n")} />
      </div>
      <Progress path={data.path} states={states} />
      {!data.collapsed && geometry.rows.slice(0, come).map((row) => (row.kind === "sockets" ? <SocketRow key={`s${row.y}`} id={id} row={row} data={data} /> : <FieldRow key={row.input} id={id} row={row} data={data} states={states} />))}
      {data.collapsed && <FoldedSockets data={data} />}
      {!data.collapsed && <Pictures path={data.path} states={states} title={title} />}
      {!shape.known && !data.collapsed && <p className="node-unknown">{t("unknownNode", { type: entry.type })}</p>}
    </div>
  );
}

function Badge({ path, states, mode, wrong, calm, problems }: { path: string; states: NodeStates; mode?: string; wrong: boolean; calm: boolean; problems: string }) {
  const plan = useNodePlan(states, path);
  const run = useNodeState(states, path);
  if (mode === "muted") return <span className="badge">{t("muted")}</span>;
  if (mode === "bypassed") return <span className="badge">{t("bypassed")}</span>;
  if (wrong) {
    const text = run.error ? `${run.error.cause} ${run.error.action}` : problems;
    return (
      <button type="button" className={calm ? "badge runs nodrag" : "badge bad nodrag"} title={text} onClick={() => say(text, calm ? "info" : "error")} aria-label={`${t("problem")}: ${text}`}>
        <Icon name="warning" />
      </button>
    );
  }
  if (run.status === "running") return <span className="badge live">{run.total ? `${run.done}/${run.total}` : t("running")}</span>;
  if (run.status === "ran" && plan?.status !== "runs") return <span className="badge" title={t("tookTime")}>{seconds(run.seconds)}</span>;
  if (plan?.status === "cached") return <span className="badge cached" title={plan.reason}>{t("cached")}</span>;
  if (plan?.status === "runs") {
    const why = [plan.reason, plan.seconds != null ? t("aboutTime", { time: seconds(plan.seconds) }) : ""].filter(Boolean).join(" · ");
    return <span className="badge runs" title={why}>{t("willRun")}</span>;
  }
  if (run.status === "served") return <span className="badge cached">{t("cached")}</span>;
  return null;
}

function Progress({ path, states }: { path: string; states: NodeStates }) {
  const run = useNodeState(states, path);
  if (run.status !== "running") return null;
  const share = run.total ? (run.done ?? 0) / run.total : undefined;
  return <div className="progress" role="progressbar" aria-label={t("progress")} aria-valuenow={share === undefined ? undefined : Math.round(share * 100)} aria-valuemin={0} aria-valuemax={100}><div data-open={share === undefined || undefined} style={{ transform: `scaleX(${share ?? 1})` }} /></div>;
}

function Pictures({ path, states, title }: { path: string; states: NodeStates; title: string }) {
  const run = useNodeState(states, path);
  if (run.preview) return <div className="node-picture"><img src={run.preview} alt={t("previewOf", { title })} draggable={false} /></div>;
  if (!run.pictures?.length) return null;
  const shownPictures = run.pictures.slice(0, 4);
  return (
    <div className="node-picture" data-many={shownPictures.length > 1 || undefined}>
      {shownPictures.map((result, index) => (
        <button key={result} type="button" className="nodrag" onClick={() => app.set({ dialog: { kind: "viewer", results: run.pictures!, at: index } })} aria-label={t("showResult", { title, number: index + 1 })}>
          <img src={picture.thumbnail(result)} alt={t("resultOf", { title })} draggable={false} />
        </button>
      ))}
      {run.pictures.length > 4 && <span className="more-pictures">+{run.pictures.length - 4}</span>}
    </div>
  );
}

function SocketRow({ id, row, data }: { id: string; row: Extract<Row, { kind: "sockets" }>; data: NodeData }) {
  const input = row.input === undefined ? undefined : inputOf(data.shape, row.input);
  const output = row.output === undefined ? undefined : outputOf(data.shape, row.output);
  return (
    <div className="row sockets" style={{ height: row.height }}>
      {input && (
        <>
          <Socket node={id} side="target" socket={input} title={data.entry.title || data.shape.title} linked={own(data.entry.links, input.name) !== undefined} />
          <span className="socket-name" data-long={isLong(humanName(input.name))} data-required={(input.required && own(data.entry.links, input.name) === undefined) || undefined} title={input.help}>{humanName(input.name)}</span>
        </>
      )}
      {output && (
        <>
          <span className="socket-name out" data-long={isLong(humanName(output.name))} title={output.help}>{humanName(output.name)}</span>
          <Socket node={id} side="source" socket={output} title={data.entry.title || data.shape.title} linked />
        </>
      )}
    </div>
  );
}

function FoldedSockets({ data }: { data: NodeData }) {
  return (
    <div className="folded-sockets" aria-hidden="true">
      {data.shape.inputs.map((input) => <Handle key={input.name} id={input.name} type="target" position={Position.Left} className="socket folded" />)}
      {data.shape.outputs.map((output) => <Handle key={output.name} id={output.name} type="source" position={Position.Right} className="socket folded" />)}
    </div>
  );
}

interface SocketProps {
  readonly node: string;
  readonly side: End["side"];
  readonly socket: InputInfo | OutputInfo;
  readonly title: string;
  readonly linked: boolean;
}

/** A socket is a button: Enter, or a tap, takes it as one end of a link, and on another socket draws the link. */
const Socket = memo(function Socket({ node, side, socket, title, linked }: SocketProps) {
  const verdict = useVerdict(side, node, socket.name);
  const chosen = useApp((state) => state.pending?.node === node && state.pending.socket === socket.name && state.pending.side === side);
  const press = () => pressSocket({ side, node, socket: socket.name });
  const many = socket.type.kind === "list";
  return (
    <Handle
      id={socket.name}
      type={side}
      position={side === "target" ? Position.Left : Position.Right}
      className="socket"
      role="button"
      tabIndex={0}
      data-socket={`${side}:${node}.${socket.name}`}
      data-verdict={verdict}
      data-linked={linked || undefined}
      data-many={many || undefined}
      data-chosen={chosen || undefined}
      aria-pressed={chosen}
      aria-label={t(side === "source" ? "outputOf" : "inputOf", { name: humanName(socket.name), type: socket.type.text, title })}
      title={verdict === "refused" ? whyNot(side, node, socket.name) : `${socket.type.text}${socket.help ? ` – ${socket.help}` : ""}`}
      style={{ color: colourOf(socket.type) }}
      onClick={press}
      onKeyDown={(event: KeyboardEvent) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          event.stopPropagation();
          press();
        } else if ((event.key === "Delete" || event.key === "Backspace") && side === "target") {
          event.preventDefault();
          event.stopPropagation();
          unlink(node, socket.name);
        }
      }}
    />
  );
});

export function whyNot(side: End["side"], node: string, socket: string): string {
  const verdict = judge(side, node, socket);
  return verdict ? tell(verdict.reason) : "";
}

export function pressSocket(end: End): void {
  const { pending } = app.get();
  if (!pending) {
    app.set({ pending: end });
    startLinking(end);
    return;
  }
  app.set({ pending: null });
  startLinking(null);
  if (pending.node === end.node && pending.socket === end.socket && pending.side === end.side) return;
  if (pending.side === end.side) {
    app.set({ pending: end });
    startLinking(end);
    return;
  }
  const [source, target] = pending.side === "source" ? [pending, end] : [end, pending];
  link(`${source.node}.${source.socket}`, target.node, target.socket);
}

/** Draws a link, or says why not and offers what would make it fit. */
export function link(source: string, node: string, input: string, at = { x: 0, y: 0 }): boolean {
  const outcome = dispatch({ type: "link/add", source, node, input }, { quiet: true });
  if (outcome.ok) {
    announce(t("linked", { source, target: `${node}.${input}` }));
    return true;
  }
  const [conversion] = outcome.conversions ?? [];
  const info = conversion === undefined ? undefined : app.get().catalogue.get(conversion);
  say(tell(outcome.reason), "error", info && { title: t("insertConversion", { title: info.title }), run: () => dispatch({ type: "link/convert", source, node, input, nodeType: info.type, at }) });
  return false;
}

export function unlink(node: string, input: string): void {
  const links = [...linksAt(node, input)];
  if (links.length) dispatch({ type: "link/remove", links });
}

function* linksAt(node: string, input: string) {
  for (const source of linksOf(own(nodesOf(shown(activeTab())), node), input)) yield { source, node, input };
}

function FieldRow({ id, row, data, states }: { id: string; row: Extract<Row, { kind: "field" }>; data: NodeData; states: NodeStates }) {
  const field = inputOf(data.shape, row.input);
  const problems = useNodeProblems(states, data.path);
  const link = own(data.entry.links, row.input);
  const change = useCallback((value: Json) => dispatch({ type: "value/set", node: id, input: row.input, value }, { merge: `value:${id}.${row.input}` }), [id, row.input]);
  const setRolls = useCallback((on: boolean) => dispatch({ type: "seed/roll", node: id, input: row.input, on }), [id, row.input]);
  const draw = useCallback(() => dispatch({ type: "value/set", node: id, input: row.input, value: randomSeed() }), [id, row.input]);
  if (!field) return null;
  const value = own(data.entry.values, row.input) ?? (field.default as Json | undefined);
  const mine = problems.filter((one) => one.input === row.input);
  const wrong = link === undefined ? (complaint(field, value) ?? (mine.length ? mine.map(wholeTold).join(" ") : null)) : null;
  const name = humanName(field.name);
  const source = link === undefined ? "" : typeof link === "string" ? link : `${link.length}`;
  return (
    <div className="row field" style={{ height: row.height }} data-tall={row.height > 40 || undefined} data-wrong={wrong ? true : undefined} title={wrong ?? undefined}>
      <Socket node={id} side="target" socket={field} title={data.entry.title || data.shape.title} linked={link !== undefined} />
      <span className="field-name" data-long={isLong(name)} title={field.help} data-declared={data.declared.includes(` ${field.name} `) || undefined}>{name}</span>
      {link !== undefined ? (
        <span className="field-linked">← {humanName(split(source)[0])}</span>
      ) : (
        <Widget
          field={field} label={`${data.entry.title || data.shape.title}: ${name}`} value={value} change={change} id={`field-${data.path}-${field.name}`} invalid={wrong !== null}
          nodeType={data.entry.type} node={id} large={false} rolls={data.rolls.split(" ").includes(field.name)} setRolls={setRolls} draw={draw}
        />
      )}
    </div>
  );
}
