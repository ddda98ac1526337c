// Decides which widget a field gets, and how what is wrong with it is shown beside it.

import { memo, useId } from "react";
import type { InputInfo, ProblemEntry } from "../api/types";
import { numberOf, type Json } from "../graph/json";
import { t } from "../text";
import { wholeTold } from "../view/format";
import { ChoiceField } from "./ChoiceField";
import { ColourField, isColour } from "./ColourField";
import { NumberField } from "./NumberField";
import { PictureField } from "./PictureField";
import { SeedField } from "./SeedField";
import { StrokesField } from "./StrokesField";
import { ListField, TextField } from "./TextField";

export interface FieldProps {
  readonly field: InputInfo;
  readonly label: string;
  readonly value: Json | undefined;
  readonly change: (value: Json) => void;
  readonly id: string;
  readonly invalid: boolean;
  readonly described?: string;
  readonly nodeType: string;
  /** The node that has the field, in the graph that is shown. */
  readonly node?: string;
  /** Whether it stands in the form, where there is more room. */
  readonly large: boolean;
  readonly rolls?: boolean;
  readonly setRolls?: (on: boolean) => void;
  readonly draw?: () => void;
}

export const primitiveOf = (field: InputInfo): string => {
  const options = field.type.kind === "union" ? (field.type.options ?? []) : [field.type];
  return options.map((one) => one.name ?? "").find((name) => ["bool", "int", "float", "text"].includes(name)) ?? "";
};

/** What a value breaks: null when nothing. The server says the same; this says it at once. */
export function complaint(field: InputInfo, value: Json | undefined): string | null {
  if (field.colour && typeof value === "string" && !isColour(value.trim())) return t("noColour");
  const number = numberOf(value);
  const { minimum, maximum, exclude_minimum: exclusive } = field.range ?? {};
  if (number === undefined) return null;
  if (minimum != null && (exclusive ? number <= minimum : number < minimum)) return t(exclusive ? "mustExceed" : "atLeast", { bound: minimum });
  if (maximum != null && number > maximum) return t("atMost", { bound: maximum });
  return null;
}

/** The widget alone. */
export const Widget = memo(function Widget(props: FieldProps) {
  const { field } = props;
  const kind = primitiveOf(field);
  if (field.choice_of === "picture") return <PictureField {...props} />;
  if (field.choices?.length || field.choice_of) return <ChoiceField {...props} />;
  if (field.colour) return <ColourField {...props} />;
  if (field.strokes) return <StrokesField {...props} />;
  if (field.seed) return <SeedField {...props} />;
  if (kind === "bool") return <Toggle {...props} />;
  if (kind === "int" || kind === "float") return <NumberField {...props} />;
  if (kind === "text") return <TextField {...props} />;
  return <ListField {...props} />;
});

function Toggle({ value, change, id, label }: FieldProps) {
  return <input className="toggle nodrag" id={id} type="checkbox" role="switch" checked={value === true} onChange={(event) => change(event.target.checked)} aria-label={label} />;
}

/** A field in a form: label above, help and complaint below. */
export function LabelledField(props: Omit<FieldProps, "id" | "invalid" | "described"> & { readonly problems: readonly ProblemEntry[]; readonly help: string }) {
  const id = useId();
  const wrong = complaint(props.field, props.value) ?? props.problems.map(wholeTold).join(" ");
  const { minimum, maximum, unit } = props.field.range ?? {};
  const range = !props.field.seed && minimum != null && maximum != null ? `${minimum} – ${maximum}${unit ? ` ${unit}` : ""}` : (unit ?? "");
  return (
    <div className="form-field" data-invalid={wrong ? true : undefined}>
      <div className="form-label">
        <label htmlFor={id}>{props.label}</label>
        {range && <span className="form-range">{range}</span>}
      </div>
      <Widget {...props} id={id} invalid={Boolean(wrong)} described={`${id}-help`} />
      <div id={`${id}-help`}>
        {props.help && <p className="form-help">{props.help}</p>}
        {wrong && <p className="form-wrong" role="alert">{wrong}</p>}
      </div>
    </div>
  );
}
