// Decides how a workflow is used without its graph: a form of its declared inputs, a button, and what came out.

import { useSyncExternalStore } from "react";
import { picture } from "../api/client";
import { LabelledField } from "../fields/Field";
import { portField } from "../graph/catalogue";
import { nodesOf, orderOf, own, split } from "../graph/document";
import type { Json } from "../graph/json";
import { cancel, randomSeed, rollsAt, run } from "../run/runs";
import { useNodeState } from "../run/nodes";
import { activeTab, app, changeTab, dispatch, placeOf, shown, statesOf, useApp, useTab } from "../state/app";
import { t } from "../text";
import { Icon } from "../view/Icon";
import { humanName, seconds } from "../view/format";

export function FormView() {
  const tab = useTab((one) => one.id);
  const document = useTab((one) => one.history.document);
  const place = useTab(placeOf);
  const workflow = useTab(shown);
  const running = useTab((one) => one.running);
  const problems = useTab((one) => one.problems);
  const planSeconds = useTab((one) => one.planSeconds);
  const catalogue = useApp((state) => state.catalogue);
  const names = orderOf(workflow, "inputs");
  return (
    <main className="form-view" id="main">
      <form
        className="form-card"
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <h1>{workflow.title || t("untitled")}</h1>
        {workflow.description && <p className="form-help">{workflow.description}</p>}
        {names.map((name) => {
          const port = workflow.inputs![name]!;
          const [node, input] = split(port.to[0] ?? "");
          const entry = own(nodesOf(workflow), node);
          if (!entry) return null;
          const field = portField(document, place.scope, workflow, name, catalogue);
          const label = port.title || humanName(name);
          const set = (value: Json) => {
            for (const target of port.to) dispatch({ type: "value/set", node: split(target)[0], input: split(target)[1], value }, { merge: `value:${target}` });
          };
          const inner = { ...field, name: input };
          return (
            <LabelledField
              key={name} field={inner} label={label} help={port.help || field.help || ""} value={own(entry.values, input) ?? (field.default as Json | undefined)} change={set} nodeType={entry.type} node={node} large
              problems={problems.filter((one) => one.node === place.prefix + node && one.input === input)}
              rolls={rollsAt(workflow, node).includes(input)} setRolls={(on) => dispatch({ type: "seed/roll", node, input, on })} draw={() => set(randomSeed())}
            />
          );
        })}
        {!names.length && (
          <p className="empty">
            {t("noInputs")} <button type="button" className="linklike" onClick={() => (changeTab(activeTab().id, { mode: "graph" }), app.set({ panel: "ports" }))}>{t("ports")}</button>
          </p>
        )}
        <div className="form-run">
          {running ? (
            <button type="button" className="strong wide" onClick={() => void cancel()}><Icon name="stop" /> {t("actCancel")}</button>
          ) : (
            <button type="submit" className="strong wide"><Icon name="play" /> {t("actRun")}{planSeconds ? ` · ${t("aboutTime", { time: seconds(planSeconds) })}` : ""}</button>
          )}
        </div>
      </form>
      <section className="form-results" aria-label={t("results")} aria-live="polite">
        <Outcome tab={tab} />
      </section>
    </main>
  );
}

/** The pictures of all nodes that made some; while one is being made, its preview. */
function Outcome({ tab }: { readonly tab: string }) {
  const states = statesOf(tab);
  useSyncExternalStore(states.watchPictures, states.pictures);
  const workflow = useTab(shown);
  const prefix = useTab((one) => placeOf(one).prefix);
  const running = useTab((one) => one.running);
  const ids = Object.keys(nodesOf(workflow));
  return (
    <>
      {ids.map((id) => <OutcomeOf key={id} tab={tab} path={prefix + id} title={nodesOf(workflow)[id]?.title || humanName(id)} />)}
      {!running && !ids.some((id) => states.get(prefix + id).pictures?.length) && <p className="empty form-empty">{t("noResultYet")}</p>}
    </>
  );
}

function OutcomeOf({ tab, path, title }: { readonly tab: string; readonly path: string; readonly title: string }) {
  const state = useNodeState(statesOf(tab), path);
  return (
    <>
      {state.status === "running" && (
        <div className="form-progress">
          <span>{title}{state.total ? ` ${state.done}/${state.total}` : ""}</span>
          <span className="bar"><span style={{ transform: `scaleX(${state.total ? (state.done ?? 0) / state.total : 0.05})` }} /></span>
        </div>
      )}
      {state.error && <p className="form-wrong" role="alert"><b>{title}:</b> {state.error.cause} {state.error.action}</p>}
      {state.preview && <img className="form-picture preview" src={state.preview} alt={t("previewOf", { title })} />}
      {state.pictures?.map((result, index) => (
        <button key={result} type="button" className="form-picture-button" onClick={() => app.set({ dialog: { kind: "viewer", results: state.pictures!, at: index } })}>
          <img className="form-picture" src={picture.full(result)} alt={t("resultOf", { title })} />
        </button>
      ))}
    </>
  );
}
