// Decides what is shown of the chosen node: its name and help, every field with its range, what is wrong and what the last run took.

import { useEffect, useRef, useState } from "react";
import { LabelledField } from "../fields/Field";
import { shapesOf } from "../graph/infer";
import { nodesOf, own } from "../graph/document";
import { isField } from "../graph/geometry";
import type { Json } from "../graph/json";
import { useNodePlan, useNodeProblems, useNodeState } from "../run/nodes";
import { randomSeed, rollsAt } from "../run/runs";
import { activeTab, app, dispatch, placeOf, shown, statesOf, useTab } from "../state/app";
import { t, type Key } from "../text";
import { NODE_COLOURS } from "../view/colours";
import { bytes, humanName, seconds, wholeTold } from "../view/format";
import { graphOf } from "../view/linking";
import { PanelHead } from "./PanelHead";

export function Inspector() {
  const selection = useTab((tab) => tab.selection.nodes);
  const workflow = useTab(shown);
  const ids = [...selection].filter((id) => own(nodesOf(workflow), id));
  return (
    <aside className="side" aria-label={t("inspector")}>
      <PanelHead title={t("inspector")} />
      <div className="scroll pad">{ids.length === 1 ? <One key={ids[0]} id={ids[0]!} /> : <p className="empty">{ids.length ? t("chosenCount", { count: ids.length }) : t("chooseNode")}</p>}</div>
    </aside>
  );
}

function One({ id }: { readonly id: string }) {
  const tab = useTab((one) => one.id);
  const workflow = useTab(shown);
  const prefix = useTab((one) => placeOf(one).prefix);
  const entry = own(nodesOf(workflow), id);
  const states = statesOf(tab);
  const path = prefix + id;
  const run = useNodeState(states, path);
  const plan = useNodePlan(states, path);
  const problems = useNodeProblems(states, path);
  const [name, setName] = useState(id);
  const title = useRef<HTMLInputElement>(null);
  useEffect(() => setName(id), [id]);
  useEffect(() => title.current?.focus(), []);
  const shape = shapesOf(graphOf(activeTab())).get(id);
  if (!entry || !shape) return null;
  const info = app.get().catalogue.get(entry.type);
  const free = shape.inputs.filter((field) => isField(field) && own(entry.links, field.name) === undefined);
  const colour = NODE_COLOURS;
  return (
    <>
      <div className="form-field">
        <label htmlFor="node-title">{t("title")}</label>
        <input ref={title} id="node-title" className="text" value={entry.title ?? ""} placeholder={shape.title} onChange={(event) => dispatch({ type: "node/set", ids: [id], title: event.target.value }, { merge: `title:${id}` })} />
      </div>
      <div className="form-field">
        <label htmlFor="node-name">{t("nodeName")}</label>
        <input
          id="node-name"
          className="text mono"
          value={name}
          onChange={(event) => setName(event.target.value)}
          onBlur={() => name !== id && (dispatch({ type: "node/rename", id, name }, { select: true }).ok || setName(id))}
          onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
        />
      </div>
      <div className="swatches" role="group" aria-label={t("colour")}>
        {colour.map((value) => (
          <button key={value} type="button" className="swatch" data-colour={value || undefined} aria-label={t(`colour_${value || "none"}` as Key)} title={t(`colour_${value || "none"}` as Key)} onClick={() => dispatch({ type: "node/set", ids: [id], colour: value })} />
        ))}
      </div>
      {run.error && <p className="form-wrong" role="alert">{run.error.cause} {run.error.action}</p>}
      {problems.filter((one) => !one.input).map((one) => <p key={one.cause} className="form-wrong">{wholeTold(one)}</p>)}
      {plan && <p className="form-help">{t(plan.status === "cached" ? "cached" : plan.status === "muted" ? "muted" : "willRun")}{plan.reason ? ` – ${plan.reason}` : ""}</p>}
      {run.seconds != null && <p className="form-help">{t("tookTime")}: {seconds(run.seconds)}{run.memory ? ` · ${bytes(run.memory)}` : ""}</p>}
      {shape.inputs.map((field) => {
        const link = own(entry.links, field.name);
        const list = field.type.kind === "list" && ["text", "int", "float"].includes(field.type.item?.name ?? "");
        if (!isField(field) && !list) return null;
        if (link !== undefined) return <p key={field.name} className="form-help"><b>{humanName(field.name)}</b> ← {typeof link === "string" ? link : link.join(", ")}</p>;
        return (
          <LabelledField
            key={field.name} field={field} label={humanName(field.name)} help={field.help ?? ""} problems={problems.filter((one) => one.input === field.name)}
            value={own(entry.values, field.name) ?? (field.default as Json | undefined)} nodeType={entry.type} node={id} large
            change={(value) => dispatch({ type: "value/set", node: id, input: field.name, value }, { merge: `value:${id}.${field.name}` })}
            rolls={rollsAt(workflow, id).includes(field.name)}
            setRolls={(on) => dispatch({ type: "seed/roll", node: id, input: field.name, on })}
            draw={() => dispatch({ type: "value/set", node: id, input: field.name, value: randomSeed() })}
          />
        );
      })}
      <div className="button-row">
        {free.length > 0 && <ExposeButtons id={id} fields={free.map((field) => field.name)} />}
      </div>
      {free.length > 0 && !prefix && (
        <details>
          <summary>{t("sweepField")}</summary>
          <div className="button-row">
            {free.map((field) => <button key={field.name} type="button" onClick={() => app.set({ dialog: { kind: "sweep", node: id, input: field.name } })}>{humanName(field.name)}</button>)}
          </div>
        </details>
      )}
      {info && (
        <details className="node-help">
          <summary>{t("help")}</summary>
          <p>{info.description || info.summary}</p>
          {info.inputs.filter((one) => one.help).map((one) => <p key={one.name}><b>{humanName(one.name)}</b> – {one.help}</p>)}
          {info.example && <pre>{info.example}</pre>}
          <p className="mono">{info.type} · {info.version}</p>
        </details>
      )}
    </>
  );
}

function ExposeButtons({ id, fields }: { readonly id: string; readonly fields: readonly string[] }) {
  const inputs = useTab((tab) => shown(tab).inputs) ?? {};
  const declared = new Set(Object.values(inputs).flatMap((port) => port.to));
  return (
    <details>
      <summary>{t("useInForm")}</summary>
      {fields.map((field) => (
        <label key={field} className="check">
          <input
            type="checkbox"
            checked={declared.has(`${id}.${field}`)}
            onChange={(event) => {
              if (event.target.checked) dispatch({ type: "input/declare", to: `${id}.${field}` });
              else for (const [name, port] of Object.entries(inputs)) if (port.to.includes(`${id}.${field}`)) dispatch({ type: "input/remove", name });
            }}
          />
          {humanName(field)}
        </label>
      ))}
    </details>
  );
}
