// A page of React Flow and nothing else, to measure the editor beside: its own plain nodes, with the places and links of a workflow.

import "@xyflow/react/dist/style.css";
import { ReactFlow, ReactFlowProvider, useReactFlow, type Edge, type Node } from "@xyflow/react";
import { createRoot } from "react-dom/client";
import { createElement, useState } from "react";

const SIZE = { width: 264, height: 388 };

interface Given {
  nodes: Record<string, { links?: Record<string, string> }>;
  view: { nodes: Record<string, { x: number; y: number }> };
}

function Page() {
  const flow = useReactFlow();
  const [nodes, setNodes] = useState<Node[]>([]);
  const [edges, setEdges] = useState<Edge[]>([]);
  Object.assign(window, {
    show: ({ nodes: given, view }: Given) => {
      setNodes(Object.keys(given).map((id) => ({ id, position: view.nodes[id], data: { label: id }, ...SIZE, style: SIZE })));
      setEdges(Object.entries(given).flatMap(([id, { links = {} }]) => Object.entries(links).map(([input, source]) => ({ id: `${id}.${input}`, source: source.split(".")[0], target: id }))));
    },
    actualSize: (x: number, y: number) => void flow.setCenter(x, y, { zoom: 1 }),
    overview: () => void flow.fitView({ minZoom: 0.02 }), // which of an empty canvas never ends
  });
  return createElement(ReactFlow, { nodes, edges, onlyRenderVisibleElements: true, panOnDrag: [1, 2], minZoom: 0.02, maxZoom: 2.5 });
}

createRoot(document.getElementById("root")!).render(createElement(ReactFlowProvider, null, createElement(Page)));
