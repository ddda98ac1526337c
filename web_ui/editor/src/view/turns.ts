// Decides when a node that comes into view while a hand pans, or after it has zoomed, gets its rows: one node after another, a few rows in
// each frame of a pan, and none while the hand hurries. A node at once would take longer than a frame, and what flies past cannot be read.

import { useEffect, useState } from "react";
import { flushSync } from "react-dom";

/** So far in one step of the hand, sixty of them a second, and it hurries. */
const HURRIES_FROM_PX = 12;
const RESTS_AFTER_MS = 60;
const SETTLES_IN_MS = 250;
const ROWS_A_FRAME = 3;

/** Gives what waits so many rows more; says whether that was all. */
type Waiter = (rows: number) => boolean;

class Turns {
  panning = false;
  private restsAt = 0;
  private settledAt = 0;
  private readonly waiting = new Set<Waiter>();
  private frame = 0;

  /** To be called with each step of a pan. */
  step(x: number, y: number): void {
    this.restsAt = Math.hypot(x, y) < HURRIES_FROM_PX ? 0 : performance.now() + RESTS_AFTER_MS;
  }

  /** To be called when a zoom is over: all that it brought in comes now. */
  settle(): void {
    this.settledAt = performance.now() + SETTLES_IN_MS;
  }

  /** Whether what comes now has to wait. */
  get many(): boolean {
    return this.panning || performance.now() < this.settledAt;
  }

  readonly wait = (waiter: Waiter) => {
    this.waiting.add(waiter);
    this.frame ||= requestAnimationFrame(this.next);
    return () => void this.waiting.delete(waiter);
  };

  private readonly next = () => {
    this.frame = 0;
    const [waiter] = this.waiting;
    if (waiter && performance.now() >= this.restsAt && flushSync(() => waiter(this.panning ? ROWS_A_FRAME : Infinity))) this.waiting.delete(waiter);
    if (this.waiting.size) this.frame ||= requestAnimationFrame(this.next);
  };
}

export const turns = new Turns();

/** How many of `rows` have had their turn: all of them where nothing moves. */
export function useTurns(rows: number): number {
  const [come, setCome] = useState(() => (turns.many ? 0 : Infinity));
  const waits = come < rows;
  useEffect(() => {
    if (!waits) return;
    let now = come;
    return turns.wait((more) => {
      now += more;
      setCome(now);
      return now >= rows;
    });
  }, [waits, rows]);
  return come;
}
