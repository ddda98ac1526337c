// Decides whether the page is dark or light: as the system says, unless it was chosen here.

export type Theme = "system" | "dark" | "light";

export function theme(): Theme {
  try {
    const chosen = localStorage.getItem("loom.theme");
    if (chosen === "dark" || chosen === "light") return chosen;
  } catch {
    // a browser without storage follows the system
  }
  return "system";
}

export function setTheme(next: Theme): void {
  try {
    localStorage.setItem("loom.theme", next);
  } catch {
    // it holds until the page is left
  }
  applyTheme(next);
}

export function applyTheme(next = theme()): void {
  const dark = next === "dark" || (next === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

export function toggleTheme(): void {
  setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
}

export function followSystem(): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme() === "system" && applyTheme("system"));
}
