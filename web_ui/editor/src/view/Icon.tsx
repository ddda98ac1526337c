// Decides how the interface's icons are drawn: one line weight on a grid of 24.

const PATHS = {
  play: "M8 5.5v13l10.5-6.5z",
  stop: "M7 7h10v10H7z",
  undo: "M9 7 4 12l5 5M4 12h10a4 4 0 0 1 0 8h-2",
  redo: "m15 7 5 5-5 5M20 12H10a4 4 0 0 0 0 8h2",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  close: "m6 6 12 12M18 6 6 18",
  down: "m7 10 5 5 5-5",
  right: "m10 7 5 5-5 5",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14m5-2 5 5",
  library: "M5 4v16M9 4v16M13 4h6v16h-6z",
  queue: "M4 6h16M4 12h16M4 18h10",
  gallery: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01",
  inspect: "M12 3v2M12 19v2M3 12h2M19 12h2M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8",
  form: "M5 5h14v4H5zM5 13h9v6H5zM18 13v6",
  graph: "M4 5h6v5H4zM14 14h6v5h-6zM10 7.5h3a2 2 0 0 1 2 2V14",
  list: "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
  ports: "M4 8h8M4 16h8M16 8h4M16 16h4M12 8a2 2 0 1 0 4 0 2 2 0 0 0-4 0M12 16a2 2 0 1 0 4 0 2 2 0 0 0-4 0",
  die: "M5 5h14v14H5zM9 9h.01M15 9h.01M9 15h.01M15 15h.01M12 12h.01",
  locked: "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
  unlocked: "M6 11h12v9H6zM9 11V7a3 3 0 0 1 5.8-1",
  upload: "M12 16V4m0 0L7 9m5-5 5 5M5 20h14",
  download: "M12 4v12m0 0 5-5m-5 5-5-5M5 20h14",
  pause: "M8 5v14M16 5v14",
  star: "m12 4 2.5 5.2 5.7.8-4.1 4 1 5.7-5.1-2.7-5.1 2.7 1-5.7-4.1-4 5.7-.8z",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  open: "M4 7v12h14l2-8H8l-2 8M4 7V5h5l2 2h7v4",
  save: "M5 4h11l3 3v13H5zM8 4v5h7V4M8 20v-6h8v6",
  menu: "M5 7h14M5 12h14M5 17h14",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  warning: "M12 4 3 19h18zM12 10v4M12 17h.01",
  check: "m5 13 4 4L19 7",
  bolt: "M13 3 5 14h6l-1 7 8-11h-6z",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16m0 4v4l3 2",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  expand: "M14 4h6v6M20 4l-7 7M10 20H4v-6M4 20l7-7",
  retry: "M5 12a7 7 0 1 1 2 5M5 20v-4h4",
  up: "m7 14 5-5 5 5",
  pin: "M9 4h6l-1 7 3 3H7l3-3zM12 14v6",
  note: "M5 4h14v11l-5 5H5zM14 20v-5h5",
  frame: "M4 7V4h3M20 7V4h-3M4 17v3h3M20 17v3h-3M9 4h2M13 4h2M9 20h2M13 20h2M4 10v4M20 10v4",
  layout: "M4 5h5v4H4zM4 15h5v4H4zM15 10h5v4h-5zM9 7h3v10H9M12 12h3",
  history: "M5 12a7 7 0 1 0 2-5M5 4v4h4M12 8v4l3 2",
  brush: "M20 4c-5 2-9 6-11 9l2 2c3-2 7-6 9-11M8 14c-3 0-3 3-5 5 3 1 7 0 7-3z",
  eraser: "m9 20-5-5L14 5l6 6-9 9zM9 10l6 6M9 20h11",
  keys: "M3 7h18v10H3zM7 11h.01M11 11h.01M15 11h.01M8 14h8",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} fill={name === "play" || name === "stop" ? "currentColor" : "none"} stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
