// Decides how the problems that the server finds are said. It tells them in English; in German they are said by their code where that
// and their place say enough, and in the server's words where its facts are needed.

import type { ProblemEntry } from "../api/types";
import { language } from "./index";

const GERMAN: { readonly [code: string]: readonly [cause: string, action: string] } = {
  bad_range: ["Der Wert liegt außerhalb des erlaubten Bereichs.", "Eine Zahl innerhalb wählen."],
  cycle: ["Knoten brauchen einander im Kreis; dieser gehört dazu.", "Eine der Verbindungen entfernen."],
  missing_input: ["Hier ist nichts angegeben.", "Einen Wert eingeben oder einen passenden Ausgang verbinden."],
  not_a_choice: ["Der Wert steht nicht zur Wahl.", "Einen der angebotenen wählen."],
  nothing_to_run: ["Es gibt nichts auszuführen: Kein Knoten speichert etwas, und kein Ausgang ist erklärt.", "Einen Knoten wie „Save image“ hinzufügen oder einen Ausgang erklären."],
  unknown_input: ["Diesen Eingang hat der Knoten nicht.", "Den Wert oder die Verbindung entfernen."],
  unknown_node: ["Diesen Knotentyp gibt es hier nicht.", "Das Paket installieren, zu dem er gehört, oder den Knoten entfernen."],
};

type Told = Pick<ProblemEntry, "cause" | "action"> & { readonly code?: string };

export function causeOf({ code, cause }: Told): string {
  return german(code)?.[0] ?? cause;
}

/** The cause and what to do next. */
export function problemText(problem: Told): string {
  return german(problem.code)?.join(" ") ?? `${problem.cause} ${problem.action}`;
}

function german(code: string | undefined) {
  return language() === "de" && code !== undefined && Object.hasOwn(GERMAN, code) ? GERMAN[code] : undefined;
}
