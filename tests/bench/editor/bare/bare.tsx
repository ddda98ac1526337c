// A page of React Flow and nothing else, to measure the editor beside: the graph of a workflow, tuned as React Flow itself allows. Sizes
// and sockets are given, what is off screen is not made, and from afar a node is a titled box and all links are one path.

import "@xyflow/react/dist/style.css";
import "./bare.css";
import { Handle, Position, ReactFlow, ReactFlowProvider, useReactFlow, useStore, ViewportPortal, type Edge, type Node, type NodeProps } from "@xyflow/react";
import { memo, useState } from "react";
import { createRoot } from "react-dom/client";

const WIDTH = 264;
const HEIGHT = 388;
const TOP = 60;
const ROW = 36;
const SOCKET = 10;
const AFAR = 0.4;
const OUTPUTS = ["steps", "cfg", "denoise"];
const INPUTS = ["prompt", "seed", "steps", "cfg", "sampler", "denoise"];

interface Given {
  nodes: Record<string, { values: Record<string, string | number>; links?: Record<string, string> }>;
  view: { nodes: Record<string, { x: number; y: number }> };
}

type Sample = Node<{ title: string; values: Record<string, string | number> }>;

const heightOf = (row: number) => TOP + row * ROW;

const handles = [...OUTPUTS.map((id, row) => socket(id, "source", Position.Right, row)), ...INPUTS.map((id, row) => socket(id, "target", Position.Left, row + OUTPUTS.length))];

function socket(id: string, type: "source" | "target", position: Position, row: number) {
  return { id, type, position, x: (position === Position.Left ? 0 : WIDTH) - SOCKET / 2, y: heightOf(row) - SOCKET / 2, width: SOCKET, height: SOCKET };
}

function Field({ name, value }: { name: string; value: string | number | undefined }) {
  if (name === "sampler") return <select className="nodrag" aria-label={name}><option>euler</option><option>dpmpp_2m</option></select>;
  if (name === "denoise") return <input className="nodrag" aria-label={name} type="range" min={0} max={1} step={0.05} defaultValue={1} />;
  if (name === "prompt") return <input className="nodrag" aria-label={name} defaultValue={value} />;
  return <input className="nodrag" aria-label={name} type="number" defaultValue={value} />;
}

const SampleNode = memo(function SampleNode({ data }: NodeProps<Sample>) {
  const afar = useStore((state) => state.transform[2] < AFAR);
  return (
    <div className="sample">
      <div className="title">{data.title}</div>
      {!afar && OUTPUTS.map((name) => <div key={name} className="row output"><span>{name}</span></div>)}
      {!afar && INPUTS.map((name) => <label key={name} className="row"><span>{name}</span><Field name={name} value={data.values[name]} /></label>)}
      {!afar && handles.map(({ id, type, position, y }) => <Handle key={type + id} id={id} type={type} position={position} style={{ top: y + SOCKET / 2 }} />)}
    </div>
  );
});

const nodeTypes = { sample: SampleNode };

function Page() {
  const flow = useReactFlow();
  const afar = useStore((state) => state.transform[2] < AFAR);
  const [nodes, setNodes] = useState<Sample[]>([]);
  const [edges, setEdges] = useState<Edge[]>([]);
  const [far, setFar] = useState("");
  Object.assign(window, {
    show: ({ nodes: given, view }: Given) => {
      const size = { width: WIDTH, height: HEIGHT };
      setNodes(Object.entries(given).map(([id, { values }]) => ({ id, type: "sample", position: view.nodes[id], data: { title: id, values }, ...size, measured: size, handles })));
      const links = Object.entries(given).flatMap(([target, one]) => Object.entries(one.links ?? {}).map(([input, from]) => ({ target, input, from: from.split(".") })));
      setEdges(links.map(({ target, input, from }) => ({ id: `${target}.${input}`, source: from[0], sourceHandle: from[1], target, targetHandle: input })));
      setFar(links.map(({ target, input, from }) => line(view.nodes[from[0]], OUTPUTS.indexOf(from[1]), view.nodes[target], INPUTS.indexOf(input))).join(""));
    },
    actualSize: (x: number, y: number) => void flow.setCenter(x, y, { zoom: 1 }),
    overview: () => void flow.fitView({ minZoom: 0.02 }), // which of an empty canvas never ends
  });
  return (
    <ReactFlow nodes={nodes} edges={afar ? [] : edges} nodeTypes={nodeTypes} onlyRenderVisibleElements panOnDrag={[1, 2]} minZoom={0.02} maxZoom={2.5}>
      {afar && <ViewportPortal><svg className="far"><path d={far} /></svg></ViewportPortal>}
    </ReactFlow>
  );
}

function line(from: { x: number; y: number }, output: number, to: { x: number; y: number }, input: number): string {
  const [x, y, toX, toY] = [from.x + WIDTH, from.y + heightOf(output), to.x, to.y + heightOf(input + OUTPUTS.length)];
  return `M${x} ${y}C${x + 80} ${y} ${toX - 80} ${toY} ${toX} ${toY}`;
}

createRoot(document.getElementById("root")!).render(<ReactFlowProvider><Page /></ReactFlowProvider>);
