// Decides where it is said, while a link is drawn over a socket that cannot take it, why that is so: beside the pointer.

import { useEffect, useState, useSyncExternalStore } from "react";
import { linkingFrom, watchLinking } from "./linking";
import { whyNot } from "./NodeView";

const WIDE = 320;

export function LinkReason() {
  const end = useSyncExternalStore(watchLinking, linkingFrom);
  const [over, setOver] = useState<{ x: number; y: number; text: string } | null>(null);
  useEffect(() => {
    setOver(null);
    if (!end) return;
    const side = end.side === "source" ? "target" : "source";
    const look = ({ clientX: x, clientY: y }: PointerEvent) => {
      const under = document.elementFromPoint(x, y);
      const found = under?.closest<HTMLElement>("[data-socket]") ?? under?.closest(".row.field")?.querySelector<HTMLElement>("[data-socket]");
      const [of = "", address = ""] = found?.dataset.socket?.split(":") ?? [];
      const dot = address.indexOf(".");
      const text = of === side ? whyNot(side, address.slice(0, dot), address.slice(dot + 1)) : "";
      setOver(text ? { x, y, text } : null);
    };
    addEventListener("pointermove", look, true);
    return () => removeEventListener("pointermove", look, true);
  }, [end]);
  if (!end || !over) return null;
  return <div className="popup link-reason" role="tooltip" style={{ left: Math.max(8, Math.min(over.x + 16, innerWidth - WIDE - 8)), top: Math.min(over.y + 18, innerHeight - 80), maxWidth: WIDE }}>{over.text}</div>;
}
