// Decides which gestures move and zoom a picture that something else is done to: wheel, two fingers, middle button, space and drag, keys.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Point } from "../graph/document";
import { moved, whole, within, zoomed, type Placed, type Size } from "../graph/zoom";

const WHEEL = 1 / 400;
/** A trackpad tells of two fingers as of a wheel with Ctrl, in small steps. */
const PINCH = 1 / 100;
const LINE = 30;
const STEP = 1.25;
const MIDDLE = 1;

export interface Zooming {
  readonly table: React.RefObject<HTMLDivElement | null>;
  /** None until the table is measured. */
  readonly at: Placed | null;
  readonly zoom: (by: number) => void;
  readonly showWhole: () => void;
  readonly showReal: () => void;
  /** From whole to twice as close, and back. */
  readonly turn: (event: React.MouseEvent) => void;
  /** Whether a key meant the view. */
  readonly key: (event: React.KeyboardEvent) => boolean;
  readonly spaceHeld: boolean;
  readonly on: {
    readonly onPointerDownCapture: (event: React.PointerEvent<HTMLDivElement>) => void;
    readonly onPointerMoveCapture: (event: React.PointerEvent<HTMLDivElement>) => void;
    readonly onPointerUpCapture: (event: React.PointerEvent<HTMLDivElement>) => void;
    readonly onPointerCancelCapture: (event: React.PointerEvent<HTMLDivElement>) => void;
    readonly onMouseDown: (event: React.MouseEvent) => void;
  };
  /** Tells of the space bar: true when it goes up without anything having been moved by it. */
  readonly space: (down: boolean) => boolean;
}

interface Asked {
  /** Tells that what one finger began is not meant, since a second one came. */
  readonly interrupted?: () => void;
  /** Whether one finger and the left button move the picture, having nothing else to do. */
  readonly drags?: boolean;
}

export function useZooming(picture: Size, { interrupted, drags = false }: Asked): Zooming {
  const table = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState<Size | null>(null);
  const [view, setView] = useState<Placed | null>(null);
  const [spaceHeld, setSpaceHeld] = useState(false);
  const fingers = useRef(new Map<number, Point>());
  const dragged = useRef<{ pointer: number; last: Point } | null>(null);
  const usedSpace = useRef(false);
  const at = size && (view ? within(view, picture, size) : whole(picture, size));

  useLayoutEffect(() => {
    const element = table.current!;
    const measure = () => element.clientWidth && setSize({ width: element.clientWidth, height: element.clientHeight }); // 0 before its dialog opens
    const observer = new ResizeObserver(measure);
    measure();
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const showWhole = useCallback(() => setView(null), []);
  const change = (how: (from: Placed, size: Size) => Placed) => size && setView((before) => how(before ?? whole(picture, size), size));
  const onTable = ({ clientX, clientY }: { clientX: number; clientY: number }): Point => {
    const box = table.current!.getBoundingClientRect();
    return { x: clientX - box.left, y: clientY - box.top };
  };
  const zoomAbout = (by: number, about: Point) => change((from, room) => zoomed(from, by, about, picture, room));
  const zoom = (by: number) => size && zoomAbout(by, { x: size.width / 2, y: size.height / 2 });

  const wheel = useRef<(event: WheelEvent) => void>(undefined);
  wheel.current = (event) => {
    event.preventDefault();
    const turned = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1);
    zoomAbout(Math.exp(-turned * (event.ctrlKey ? PINCH : WHEEL)), onTable(event));
  };
  useEffect(() => {
    const element = table.current!;
    const turn = (event: WheelEvent) => wheel.current!(event);
    element.addEventListener("wheel", turn, { passive: false }); // React's own could not keep the page from scrolling
    return () => element.removeEventListener("wheel", turn);
  }, []);

  const press = (event: React.PointerEvent<HTMLDivElement>) => {
    if ((event.target as HTMLElement).closest("button, input")) return;
    if (event.pointerType === "touch") {
      fingers.current.set(event.pointerId, onTable(event));
      if (fingers.current.size < 2 && !drags) return;
      interrupted?.();
    } else if (event.button === MIDDLE || (event.button === 0 && (spaceHeld || drags))) {
      event.currentTarget.setPointerCapture(event.pointerId);
      dragged.current = { pointer: event.pointerId, last: onTable(event) };
      usedSpace.current = true;
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const move = (event: React.PointerEvent<HTMLDivElement>) => {
    const to = onTable(event);
    const [first, second] = fingers.current;
    const last = fingers.current.get(event.pointerId) ?? (dragged.current?.pointer === event.pointerId ? dragged.current.last : undefined);
    if (first && second && fingers.current.has(event.pointerId)) {
      const [one, other] = [first[1], second[1]];
      fingers.current.set(event.pointerId, to);
      const [nextOne, nextOther] = [fingers.current.get(first[0])!, fingers.current.get(second[0])!];
      const by = apart(nextOne, nextOther) / Math.max(1, apart(one, other));
      const [middle, next] = [between(one, other), between(nextOne, nextOther)];
      change((from, room) => zoomed(moved(from, { x: next.x - middle.x, y: next.y - middle.y }, picture, room), by, next, picture, room));
    } else if (last && (dragged.current || drags)) {
      if (dragged.current) dragged.current = { pointer: event.pointerId, last: to };
      else fingers.current.set(event.pointerId, to);
      change((from, room) => moved(from, { x: to.x - last.x, y: to.y - last.y }, picture, room));
    } else {
      if (last) fingers.current.set(event.pointerId, to);
      return;
    }
    event.stopPropagation();
  };
  const lift = (event: React.PointerEvent<HTMLDivElement>) => {
    fingers.current.delete(event.pointerId);
    if (dragged.current?.pointer !== event.pointerId) return;
    dragged.current = null;
    event.stopPropagation();
  };

  return {
    table,
    at,
    zoom,
    showWhole,
    turn: (event) => (view ? showWhole() : zoomAbout(2, onTable(event))),
    showReal: () => at && zoom(1 / at.scale),
    spaceHeld,
    space: (down) => {
      setSpaceHeld(down);
      const unused = !usedSpace.current;
      if (down !== spaceHeld) usedSpace.current = false;
      return !down && spaceHeld && unused;
    },
    key: (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return false;
      if (event.key === "+" || event.key === "=") zoom(STEP);
      else if (event.key === "-") zoom(1 / STEP);
      else if (event.key === "0") setView(null);
      else if (event.key === "1" && at) zoom(1 / at.scale);
      else return false;
      return true;
    },
    on: { onPointerDownCapture: press, onPointerMoveCapture: move, onPointerUpCapture: lift, onPointerCancelCapture: lift, onMouseDown: noAutoscroll },
  };
}

const noAutoscroll = (event: React.MouseEvent) => event.button === MIDDLE && event.preventDefault();
const apart = (one: Point, other: Point) => Math.hypot(one.x - other.x, one.y - other.y);
const between = (one: Point, other: Point) => ({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });
