// Decides that a finger held still on the graph opens the menu of what lies under it, also where the browser itself tells of no such thing.

const HOLD_MS = 500;
const STILL = 10;
/** Where holding means to choose text. */
const TEXT = "input, textarea, select, [contenteditable]";

/** From here on, for as long as the page lives. What it makes of a held finger is a `contextmenu`, as a right click is. */
export function watchHeldFingers(page: Document): void {
  let held: { pointer: number; x: number; y: number; target: Element; timer: ReturnType<typeof setTimeout> } | null = null;
  let told = false;

  const drop = () => {
    clearTimeout(held?.timer);
    held = null;
  };
  const fire = () => {
    const { target, x, y } = held!;
    told = true;
    target.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true, clientX: x, clientY: y }));
  };
  page.addEventListener(
    "pointerdown",
    (event) => {
      const target = event.target as Element;
      const another = held !== null;
      drop();
      told = false;
      if (event.pointerType !== "touch" || another || !target.closest(".canvas .react-flow") || target.closest(TEXT)) return;
      held = { pointer: event.pointerId, x: event.clientX, y: event.clientY, target, timer: setTimeout(fire, HOLD_MS) };
    },
    true,
  );
  page.addEventListener("pointermove", (event) => held?.pointer === event.pointerId && Math.hypot(event.clientX - held.x, event.clientY - held.y) > STILL && drop(), true);
  page.addEventListener("pointerup", drop, true);
  page.addEventListener("pointercancel", drop, true);
  // A browser that tells of it too is heard once, whichever of the two is first.
  page.addEventListener(
    "contextmenu",
    (event) => {
      if (!event.isTrusted) return;
      if (told) {
        event.preventDefault();
        event.stopPropagation();
      }
      drop();
    },
    true,
  );
  // Once the menu is there, this finger neither drags what lies below it nor clicks the entry that has come under it.
  page.addEventListener("touchmove", (event) => told && stop(event), { capture: true, passive: false });
  page.addEventListener("touchend", (event) => told && event.cancelable && event.preventDefault(), { capture: true, passive: false });
}

function stop(event: Event): void {
  if (event.cancelable) event.preventDefault();
  event.stopPropagation();
}
