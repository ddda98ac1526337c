// Decides what an arithmetic expression in a number field means, such as 512*2 or (3+4)/2; nothing is ever evaluated as code.

export function calculate(text: string): number | null {
  const tokens = text.replaceAll(",", ".").match(/\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+|\*\*|[-+*/%()]|\S/g) ?? [];
  let at = 0;
  const primary = (): number => {
    const token = tokens[at++];
    if (token === "(") {
      const inner = sum();
      if (tokens[at++] !== ")") return NaN;
      return inner;
    }
    if (token === "-") return -primary();
    if (token === "+") return primary();
    return token !== undefined && /^[\d.]/.test(token) ? Number(token) : NaN;
  };
  const power = (): number => {
    const base = primary();
    if (tokens[at] !== "**") return base;
    at += 1;
    return base ** power();
  };
  const product = (): number => {
    let left = power();
    for (;;) {
      const sign = tokens[at];
      if (sign !== "*" && sign !== "/" && sign !== "%") return left;
      at += 1;
      const right = power();
      left = sign === "*" ? left * right : sign === "/" ? left / right : left % right;
    }
  };
  const sum = (): number => {
    let left = product();
    for (;;) {
      const sign = tokens[at];
      if (sign !== "+" && sign !== "-") return left;
      at += 1;
      left = sign === "+" ? left + product() : left - product();
    }
  };
  if (!tokens.length || tokens.length > 200) return null;
  const found = sum();
  return at === tokens.length && Number.isFinite(found) ? found : null;
}

/** The chosen words with their weight a step up or down: `cat` becomes `(cat:1.1)`, and 1 takes the brackets away. */
export function weighted(text: string, from: number, to: number, step: number): { text: string; from: number; to: number } {
  let [start, end] = [from, to];
  if (start === end) {
    while (start > 0 && !/[\s,()]/.test(text[start - 1]!)) start -= 1;
    while (end < text.length && !/[\s,():]/.test(text[end]!)) end += 1;
  }
  if (start === end) return { text, from, to };
  const before = text.slice(0, start);
  const after = text.slice(end);
  const chosen = text.slice(start, end);
  const inside = /^\(([\s\S]*):(\d*\.?\d+)\)$/.exec(chosen);
  const around = before.endsWith("(") ? /^:(\d*\.?\d+)\)/.exec(after) : null;
  const words = inside ? inside[1]! : chosen;
  const weight = Math.round((Number(inside?.[2] ?? around?.[1] ?? 1) + step) * 100) / 100;
  const [head, tail] = around ? [before.slice(0, -1), after.slice(around[0].length)] : [before, after];
  const next = Math.abs(weight - 1) < 1e-9 || weight <= 0 ? words : `(${words}:${weight})`;
  const offset = head.length + (next === words ? 0 : 1);
  return { text: head + next + tail, from: offset, to: offset + words.length };
}
