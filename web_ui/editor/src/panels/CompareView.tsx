// Decides how two documents are looked at side by side in one graph: what was added, removed and changed, in colour and in words.

import { BaseEdge, getBezierPath, Handle, Position, ReactFlow, ReactFlowProvider, useReactFlow, type Edge, type EdgeProps, type Node, type NodeProps } from "@xyflow/react";
import { createContext, memo, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { api } from "../api/client";
import type { Revision } from "../api/types";
import { compared, insideOf, isAt, kindsOf, linkKindsOf, pathOf, scopesOf, type Comparison, type Difference, type Kind } from "../graph/compare";
import { own, workflowAt, type Scope } from "../graph/document";
import { shapesOf } from "../graph/infer";
import type { Json } from "../graph/json";
import { activeTab, complain, useApp, type App, type Side } from "../state/app";
import { FILES, pickFile, readFile, sideOf } from "../state/files";
import { t, type Key } from "../text";
import { humanName, isLong, moment } from "../view/format";
import { Projection, type GraphEdge, type NodeData } from "../view/projection";
import { Change, Changes, KindWord, labelOf, written } from "./Changes";
import { DialogFrame } from "./DialogFrame";

type ComparedNode = Node<NodeData & { readonly kind?: Kind; readonly differences: readonly Difference[]; readonly inside?: { readonly scope: Scope; readonly count: number } }, "compared">;
type ComparedEdge = Edge<{ readonly kind?: Kind }, "compared">;

const NODE_TYPES = { compared: memo(NodeCompared) };
const EDGE_TYPES = { compared: memo(LinkCompared) };
/** Leads to another place from within the graph. */
const Opens = createContext<(scope: Scope) => void>(() => {});
const NONE = new Set<string>();
const NOWHERE = new Map<string, never>();

export function CompareView({ from, to }: { readonly from: Side; readonly to: Side }) {
  const [sides, setSides] = useState<{ from: Side; to: Side }>({ from, to });
  const [comparison, setComparison] = useState<Comparison | null>(null);
  const [scope, setScope] = useState<Scope>([]);
  const [wanted, setWanted] = useState<{ node: string } | null>(null);
  useEffect(() => {
    let gone = false;
    const { from: { workflow: before }, to: { workflow: after } } = sides;
    setComparison(null);
    setScope([]);
    setWanted(null);
    api.diff(before, after).then((diff) => !gone && setComparison(compared(before, after, diff)), complain);
    return () => {
      gone = true;
    };
  }, [sides]);
  const open = useCallback((to: Scope) => (setScope(to), setWanted(null)), []);
  const scopes = comparison ? scopesOf(comparison) : [];
  return (
    <DialogFrame title={t("whatDiffers")} className="compare">
      <div className="tools compare-sides">
        <Chosen label={t("earlier")} side={sides.from} choose={(side) => setSides({ ...sides, from: side })} />
        <Chosen label={t("later")} side={sides.to} choose={(side) => setSides({ ...sides, to: side })} />
        {scopes.length > 1 && (
          <label>
            {t("shownPart")}
            <select className="text" value={scope.join("/")} onChange={(event) => open(scopes.find((one) => one.join("/") === event.target.value) ?? [])}>
              {scopes.map((one) => <option key={one.join("/")} value={one.join("/")}>{one.length ? pathOf(comparison!, one) : t("wholeWorkflow")}</option>)}
            </select>
          </label>
        )}
      </div>
      {comparison && (
        <div className="compare-body">
          <div className="compare-graph">
            <ReactFlowProvider key={scope.join("/")}>
              <Opens value={open}><Graph comparison={comparison} scope={scope} wanted={wanted} /></Opens>
            </ReactFlowProvider>
          </div>
          <section className="compare-list" aria-label={t("whatDiffers")}>
            <Changes comparison={comparison} go={(where, node) => (setScope(where), setWanted({ node }))} />
          </section>
        </div>
      )}
    </DialogFrame>
  );
}

const FILE = "file";

/** One of the two that are compared: an open workflow, a stored version of this one, or a file. */
function Chosen({ label, side, choose }: { readonly label: string; readonly side: Side; readonly choose: (side: Side) => void }) {
  const tabs = useApp((state) => state.tabs);
  const { name } = activeTab();
  const [revisions, setRevisions] = useState<readonly Revision[]>([]);
  useEffect(() => {
    if (name !== null) api.revisions(name).then((list) => setRevisions(list.revisions), () => {});
  }, [name]);
  const take = async (value: string) => {
    try {
      const [kind, id = ""] = value.split(":");
      if (kind === FILE) {
        const file = await pickFile(FILES);
        if (file) choose({ title: file.name, workflow: await readFile(file) });
      } else if (kind === "tab") {
        const tab = tabs.find((one) => one.id === id);
        if (tab) choose(sideOf(tab));
      } else if (kind === "revision") choose({ title: t("revision", { number: id }), workflow: (await api.revision(name!, Number(id))).workflow });
    } catch (error) {
      complain(error);
    }
  };
  return (
    <label>
      {label}
      <select className="text" value="" onChange={(event) => void take(event.target.value)}>
        <option value="">{side.title}</option>
        {tabs.map((one) => <option key={one.id} value={`tab:${one.id}`}>{sideOf(one).title}</option>)}
        {revisions.map((one) => <option key={one.number} value={`revision:${one.number}`}>{`${t("revision", { number: one.number })} · ${moment(one.saved_at)}`}</option>)}
        <option value={FILE}>{t("aFile")}</option>
      </select>
    </label>
  );
}

function Graph({ comparison, scope, wanted }: { readonly comparison: Comparison; readonly scope: Scope; readonly wanted: { node: string } | null }) {
  const flow = useReactFlow<ComparedNode, ComparedEdge>();
  const catalogue = useApp((state) => state.catalogue);
  const [nodes, edges] = useMemo(() => graphOf(comparison, scope, catalogue), [comparison, scope, catalogue]);
  const look = useCallback(() => {
    const node = wanted && nodes.find((one) => one.id === wanted.node);
    if (node) void flow.setCenter(node.position.x + (node.width ?? 0) / 2, node.position.y + (node.height ?? 0) / 2, { zoom: 1 });
  }, [flow, nodes, wanted]);
  useEffect(look, [look]);
  return (
    <ReactFlow<ComparedNode, ComparedEdge>
      id="compare" nodes={nodes} edges={edges} nodeTypes={NODE_TYPES} edgeTypes={EDGE_TYPES} fitView={wanted === null} fitViewOptions={{ maxZoom: 1, minZoom: 0.3, padding: 0.08 }} onInit={look} minZoom={0.02} maxZoom={2.5}
      nodesDraggable={false} nodesConnectable={false} nodesFocusable={false} edgesFocusable={false} elementsSelectable={false} panOnDrag onlyRenderVisibleElements deleteKeyCode={null}
    />
  );
}

function graphOf(comparison: Comparison, scope: Scope, catalogue: App["catalogue"]): [ComparedNode[], ComparedEdge[]] {
  const { document } = comparison;
  const workflow = workflowAt(document, scope) ?? {};
  const shapes = shapesOf({ document, scope, workflow, catalogue });
  const projection = new Projection();
  const kinds = kindsOf(comparison, scope);
  const links = linkKindsOf(comparison, scope);
  const inside = insideOf(comparison, scope);
  const here = comparison.differences.filter((one) => one.part !== "" && isAt(one, scope));
  const nodes = projection.nodesOf({ workflow, shapes, tab: "", prefix: "", selected: NONE, selectedLinks: NONE, moving: NOWHERE, sizes: NOWHERE, hasPicture: () => false });
  const edges: GraphEdge[] = projection.edgesOf({ workflow, shapes, selectedLinks: NONE });
  return [
    nodes.filter((node) => node.type === "loom").map((node) => ({ ...node, type: "compared", data: { ...node.data, kind: kinds.get(node.id), differences: here.filter((one) => one.node === node.id), inside: inside.get(node.id) } })),
    edges.map((edge) => ({ ...edge, type: "compared", data: { kind: links.get(edge.id) } })),
  ];
}

function NodeCompared({ data }: NodeProps<ComparedNode>) {
  const { entry, shape, geometry, kind, differences, inside } = data;
  const open = useContext(Opens);
  const changeOf = (input: string) => differences.find((one) => (one.part === "values" || one.part === "links") && one.name === input);
  const onRows = new Set(geometry.rows.flatMap((row) => (row.kind === "field" ? [row.input] : [])));
  const beside = differences.filter((one) => !(one.part === "values" && onRows.has(one.name)) && !(one.part === "links"));
  return (
    <div className="node compared" data-kind={kind}>
      <div className="node-head">
        <span className="node-title">{entry.title || shape.title}</span>
        {kind && <KindWord kind={kind} />}
      </div>
      {geometry.rows.map((row) =>
        row.kind === "sockets" ? (
          <div key={row.y} className="row sockets" style={{ height: row.height }}>
            {row.input !== undefined && <><Socket id={row.input} side="target" /><span className="socket-name" data-long={isLong(humanName(row.input))}>{humanName(row.input)}</span></>}
            {row.output !== undefined && <><span className="socket-name out" data-long={isLong(humanName(row.output))}>{humanName(row.output)}</span><Socket id={row.output} side="source" /></>}
          </div>
        ) : (
          <div key={row.y} className="row field" style={{ height: row.height }} data-tall={row.height > 40 || undefined} data-changed={changeOf(row.input) !== undefined || undefined}>
            <Socket id={row.input} side="target" />
            <span className="field-name" data-long={isLong(humanName(row.input))}>{humanName(row.input)}</span>
            <Value difference={changeOf(row.input)} value={own(entry.links, row.input) !== undefined ? undefined : (own(entry.values, row.input) ?? (shape.inputs.find((one) => one.name === row.input)?.default as Json | undefined))} />
          </div>
        ),
      )}
      {(beside.length > 0 || inside) && <ul className="compared-more">{inside && <li><button type="button" className="linklike nopan" onClick={() => open(inside.scope)}>{t("differencesInside", { count: inside.count })}</button></li>}{beside.map((one) => <li key={`${one.part}.${one.name}`}>{labelOf(one)}: <Change of={one} /></li>)}</ul>}
    </div>
  );
}

function Value({ difference, value }: { readonly difference?: Difference; readonly value?: Json }) {
  if (difference) return <Change of={difference} />;
  return <span className="change">{value === undefined || value === null ? "" : written(value)}</span>;
}

function Socket({ id, side }: { readonly id: string; readonly side: "source" | "target" }) {
  return <Handle id={id} type={side} position={side === "target" ? Position.Left : Position.Right} className="socket" isConnectable={false} />;
}

function LinkCompared({ id, sourceX, sourceY, targetX, targetY, data, style }: EdgeProps<ComparedEdge>) {
  const [path, labelX, labelY] = getBezierPath({ sourceX, sourceY, sourcePosition: Position.Right, targetX, targetY, targetPosition: Position.Left });
  const kind = data?.kind;
  return <BaseEdge id={id} path={path} className={`compared-link ${kind ?? ""}`} style={kind ? undefined : style} {...(kind ? { label: t(`kind_${kind}` as Key), labelX, labelY, labelShowBg: true, labelBgPadding: [5, 2], labelBgBorderRadius: 5 } : {})} />;
}
