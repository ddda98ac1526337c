// Decides how a drawing looks as a field: a small picture of its strokes that opens the painter; where there is room, its text too.

import { useMemo } from "react";
import { readStrokes } from "../graph/strokes";
import { t } from "../text";
import { Icon } from "../view/Icon";
import type { FieldProps } from "./Field";
import { paint } from "./painting";
import { TextField } from "./TextField";

const [WIDE, HIGH] = [240, 60];

export function StrokesField(props: FieldProps) {
  const { value, label, id, node, field, large } = props;
  const text = typeof value === "string" ? value : "";
  const strokes = useMemo(() => readStrokes(text), [text]);
  return (
    <div className="strokes nodrag">
      <button type="button" id={large ? undefined : id} className="strokes-sheet" disabled={!node} aria-label={`${label}: ${t("paintMask")}`} onClick={() => node && paint({ node, input: field.name })}>
        <svg viewBox={`0 0 ${WIDE} ${HIGH}`} preserveAspectRatio="none" aria-hidden="true">
          {strokes.map(({ paints, radius, points }, index) => (
            <path
              key={index}
              d={`M${[...points, points[points.length - 1]!].map(({ x, y }) => `${x * WIDE} ${y * HIGH}`).join("L")}`}
              stroke={paints ? "var(--type-Mask)" : "var(--field)"}
              strokeWidth={2 * radius * HIGH}
            />
          ))}
        </svg>
        <span><Icon name="brush" /> {t("paintMask")}</span>
      </button>
      {large && <TextField {...props} />}
    </div>
  );
}
