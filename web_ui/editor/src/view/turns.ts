// Decides when a node that comes into view while a hand pans gets its rows: one node after another, a frame each. A column of nodes that comes
// in at once would take longer than a frame, and the hand would feel it.

import { useEffect, useState } from "react";
import { flushSync } from "react-dom";

class Turns {
  panning = false;
  private readonly waiting = new Set<() => void>();
  private frame = 0;

  readonly wait = (waiter: () => void) => {
    this.waiting.add(waiter);
    this.frame ||= requestAnimationFrame(this.next);
    return () => void this.waiting.delete(waiter);
  };

  private readonly next = () => {
    this.frame = 0;
    const [waiter] = this.waiting;
    if (!waiter) return;
    this.waiting.delete(waiter);
    flushSync(waiter);
    if (this.waiting.size) this.frame ||= requestAnimationFrame(this.next);
  };
}

export const turns = new Turns();

/** Whether the turn of what uses it has come: at once where nothing moves. */
export function useTurn(): boolean {
  const [come, setCome] = useState(!turns.panning);
  useEffect(() => (come ? undefined : turns.wait(() => setCome(true))), [come]);
  return come;
}
