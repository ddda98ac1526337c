// Decides when more detail is shown: not before the wheel rests. What comes into view while one zooms is something else in the next frame; it
// is a titled box, or a line, on the one drawing until it can be read.

import { useRef, useSyncExternalStore } from "react";
import { flushSync } from "react-dom";
import { turns } from "./turns";

const RESTS_AFTER_MS = 150;
const FRAME_MS = 12;

class Wheel {
  turning = false;
  private timer = 0;
  private readonly watchers = new Set<() => void>();

  readonly watch = (watcher: () => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  /** To be called with each of its steps. */
  turn(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      this.turning = false;
      turns.settle();
      this.tell([...this.watchers]);
    }, RESTS_AFTER_MS);
    if (this.turning) return;
    this.turning = true;
    for (const watcher of this.watchers) watcher();
  }

  /** A few in each frame: a hundred nodes drawn in full at once would hold up what the hand does next. */
  private tell(waiting: (() => void)[]): void {
    requestAnimationFrame(() => {
      const end = performance.now() + FRAME_MS;
      while (waiting.length && performance.now() < end) {
        const watcher = waiting.pop()!;
        if (this.watchers.has(watcher)) flushSync(watcher);
      }
      if (waiting.length && !this.turning) this.tell(waiting);
    });
  }
}

export const wheel = new Wheel();

export const useTurning = (): boolean => useSyncExternalStore(wheel.watch, () => wheel.turning);

/** Whether to show a detail that is `wanted`: as long as the wheel turns it is not added. `falls`: it goes at once when it is not wanted any more. */
export function useDetail(wanted: boolean, { falls = false } = {}): boolean {
  const last = useRef(wanted && !wheel.turning);
  const shown = useSyncExternalStore(wheel.watch, () => (wheel.turning ? last.current && (wanted || !falls) : wanted));
  last.current = shown;
  return shown;
}
