// Decides how a graph is read and changed without seeing it: nodes in the order they run, each with its fields, and every link a choice
// from a list of the outputs that fit. It is also what a screen reader gets.

import { useMemo, useState } from "react";
import { LabelledField } from "../fields/Field";
import { linksOf, nodesOf, own } from "../graph/document";
import { isField } from "../graph/geometry";
import { elementOf, inferTypes, inOrder, reaches, shapesOf } from "../graph/infer";
import { refusal } from "../graph/sockets";
import type { Json } from "../graph/json";
import type { InputInfo } from "../api/types";
import { useNodePlan, useNodeProblems, useNodeState } from "../run/nodes";
import { randomSeed, rollsAt } from "../run/runs";
import { activeTab, app, dispatch, enter, placeOf, shown, statesOf, useApp, useTab } from "../state/app";
import { t } from "../text";
import { Icon } from "../view/Icon";
import { humanName, seconds, wholeTold } from "../view/format";
import { graphOf } from "../view/linking";

export function ListView() {
  const document = useTab((tab) => tab.history.document);
  const workflow = useTab(shown);
  const catalogue = useApp((state) => state.catalogue);
  const graph = useMemo(() => graphOf(activeTab()), [document, workflow, catalogue]);
  const shapes = useMemo(() => shapesOf(graph), [graph]);
  const types = useMemo(() => inferTypes(graph, shapes), [graph, shapes]);
  const order = useMemo(() => inOrder(workflow), [workflow]);
  const outputs = useMemo(() => order.flatMap((id) => [...(types.get(id) ?? [])].map(([name, type]) => ({ id, reference: `${id}.${name}`, type }))), [order, types]);
  return (
    <main className="list-view" id="main" aria-label={t("actList")}>
      <div className="tools">
        <h1>{workflow.title || t("untitled")}</h1>
        <button type="button" className="strong" onClick={() => app.set({ palette: { actions: false } })}><Icon name="plus" /> {t("addNode")}</button>
      </div>
      <ol className="node-list" aria-label={t("nodesInOrder")}>
        {order.map((id) => {
          const shape = shapes.get(id);
          if (!shape) return null;
          return (
            <ListedNode key={id} id={id}>
              {shape.inputs.map((input) => <ListedInput key={input.name} id={id} input={input} outputs={outputs} />)}
              {shape.outputs.length > 0 && <p className="faint">{t("gives")}: {shape.outputs.map((one) => `${humanName(one.name)} (${types.get(id)?.get(one.name)?.text ?? one.type.text})`).join(", ")}</p>}
            </ListedNode>
          );
        })}
      </ol>
      {!order.length && <p className="empty">{t("emptyList")}</p>}
    </main>
  );
}

function ListedNode({ id, children }: { readonly id: string; readonly children: React.ReactNode }) {
  const tab = useTab((one) => one.id);
  const prefix = useTab((one) => placeOf(one).prefix);
  const workflow = useTab(shown);
  const [open, setOpen] = useState(true);
  const entry = own(nodesOf(workflow), id);
  const shape = shapesOf(graphOf(activeTab())).get(id);
  const state = useNodeState(statesOf(tab), prefix + id);
  const plan = useNodePlan(statesOf(tab), prefix + id);
  const problems = useNodeProblems(statesOf(tab), prefix + id);
  if (!entry || !shape) return null;
  const title = entry.title || shape.title;
  const status = state.status === "running" ? `${t("running")} ${state.total ? `${state.done}/${state.total}` : ""}` : state.error ? t("problem") : plan ? t(plan.status === "cached" ? "cached" : plan.status === "muted" ? "muted" : "willRun") : state.seconds != null ? seconds(state.seconds) : "";
  return (
    <li className="listed" data-status={state.status}>
      <div className="listed-head">
        <h2>
          <button type="button" className="linklike" aria-expanded={open} onClick={() => setOpen(!open)}>{title}</button> <small className="faint mono">{id}</small>
        </h2>
        <span className="badge">{status}</span>
        {shape.definition && <button type="button" onClick={() => enter(id)}>{t("openSubgraph")}</button>}
        <select aria-label={t("modeOf", { title })} value={entry.mode ?? "on"} onChange={(event) => dispatch({ type: "node/set", ids: [id], mode: event.target.value as "on" })}>
          <option value="on">{t("on")}</option>
          <option value="muted">{t("muted")}</option>
          <option value="bypassed">{t("bypassed")}</option>
        </select>
        <button type="button" className="plain" onClick={() => dispatch({ type: "node/remove", ids: [id] })} aria-label={t("removeNamed", { name: title })}><Icon name="trash" /></button>
      </div>
      {[...problems, ...(state.error ? [{ ...state.error, input: null }] : [])].filter((one) => !one.input).map((one) => <p key={one.cause} className="form-wrong" role="alert">{wholeTold(one)}</p>)}
      {open && <div className="listed-body">{children}</div>}
    </li>
  );
}

interface Offered {
  readonly id: string;
  readonly reference: string;
  readonly type: InputInfo["type"];
}

function ListedInput({ id, input, outputs }: { readonly id: string; readonly input: InputInfo; readonly outputs: readonly Offered[] }) {
  const workflow = useTab(shown);
  const tab = useTab((one) => one.id);
  const prefix = useTab((one) => placeOf(one).prefix);
  const problems = useNodeProblems(statesOf(tab), prefix + id);
  const entry = own(nodesOf(workflow), id)!;
  const links = linksOf(entry, input.name);
  const name = humanName(input.name);
  const mine = problems.filter((one) => one.input === input.name);
  const fitting = outputs.filter((one) => one.id !== id && (links.includes(one.reference) || (refusal(one.type, elementOf(one.type, input.type), new Map()) === null && !reaches(workflow, id, one.id))));
  const many = input.type.kind === "list";
  const choose = (reference: string) => {
    if (reference) dispatch({ type: "link/add", source: reference, node: id, input: input.name });
    else if (links.length) dispatch({ type: "link/remove", links: links.map((source) => ({ source, node: id, input: input.name })) });
  };
  return (
    <div className="listed-input">
      <label className="listed-link">
        <span>{name} <small className="faint">{input.type.text}</small></span>
        <select aria-label={t("linkFor", { name, title: entry.title || id })} value={many ? "" : (links[0] ?? "")} onChange={(event) => choose(event.target.value)}>
          <option value="">{many ? (links.length ? t("addOrClear", { count: links.length }) : t("noLink")) : isField(input) ? t("ownValue") : t("noLink")}</option>
          {fitting.map((one) => <option key={one.reference} value={one.reference}>{links.includes(one.reference) ? "✓ " : ""}{one.reference} ({one.type.text})</option>)}
        </select>
      </label>
      {mine.map((one) => <p key={one.cause} className="form-wrong">{wholeTold(one)}</p>)}
      {!links.length && isField(input) && (
        <LabelledField
          field={input} label={name} help={input.help ?? ""} value={own(entry.values, input.name) ?? (input.default as Json | undefined)} problems={[]} nodeType={entry.type} node={id} large
          change={(value) => dispatch({ type: "value/set", node: id, input: input.name, value }, { merge: `value:${id}.${input.name}` })}
          rolls={rollsAt(workflow, id).includes(input.name)} setRolls={(on) => dispatch({ type: "seed/roll", node: id, input: input.name, on })}
          draw={() => dispatch({ type: "value/set", node: id, input: input.name, value: randomSeed() })}
        />
      )}
    </div>
  );
}
