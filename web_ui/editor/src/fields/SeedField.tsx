// Decides how a seed is edited: a whole number of up to 64 bits, a die that draws a new one, and a lock. Without the lock each run
// draws anew before it starts, so that the number shown is always the one last used.

import { useState } from "react";
import { Icon } from "../view/Icon";
import { t } from "../text";
import type { FieldProps } from "./Field";
import { shownNumber, writtenNumber } from "./NumberField";

export function SeedField({ field, value, change, label, id, invalid, described, rolls = false, setRolls, draw }: FieldProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const shown = shownNumber(value);
  const take = () => {
    if (typed === null) return;
    const next = writtenNumber(typed, true);
    setTyped(null);
    if (next !== undefined && shownNumber(next) !== shown) change(next);
  };
  return (
    <span className="number seed nodrag" data-invalid={invalid || undefined}>
      <input
        id={id}
        className="nodrag"
        data-settled={typed === null || undefined}
        inputMode="numeric"
        autoComplete="off"
        aria-label={label}
        aria-invalid={invalid || undefined}
        aria-describedby={described}
        placeholder={field.optional ? t("automatic") : ""}
        value={typed ?? shown}
        onChange={(event) => setTyped(event.target.value)}
        onBlur={take}
        onKeyDown={(event) => {
          if (event.key === "Enter") take();
          if (event.key === "Escape" && typed !== null) {
            event.stopPropagation();
            setTyped(null);
          }
          if (event.key === "ArrowUp" || event.key === "ArrowDown") {
            event.preventDefault();
            setTyped(null);
            const next = BigInt(/^-?\d+$/.test(shown) ? shown : "0") + (event.key === "ArrowUp" ? 1n : -1n);
            if (next >= 0n && next < 2n ** 64n) change(writtenNumber(next.toString(), true)!);
          }
        }}
      />
      {draw && (
        <button type="button" className="inline" onClick={draw} title={t("newSeed")} aria-label={`${label}: ${t("newSeed")}`}>
          <Icon name="die" />
        </button>
      )}
      {setRolls && (
        <button type="button" className="inline" aria-pressed={!rolls} onClick={() => setRolls(!rolls)} title={rolls ? t("seedRolls") : t("seedLocked")} aria-label={`${label}: ${t("lockSeed")}`}>
          <Icon name={rolls ? "unlocked" : "locked"} />
        </button>
      )}
    </span>
  );
}
