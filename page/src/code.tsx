// Lines of source. Every text of a repository becomes a text node here, and nothing else.

import type { CodeLine } from "./records";

const AROUND = 1;
const MOST_SHOWN = 9;

const CLASSES: Record<string, string> = {
  comment: "t-comment",
  constant: "t-constant",
  keyword: "t-keyword",
  name: "t-name",
  string: "t-string",
};

export function Pieces({ line }: { line: CodeLine }) {
  return (
    <code>
      {line.pieces.map(([kind, text]) => {
        const known = CLASSES[kind];
        return known ? <span class={known}>{text}</span> : text;
      })}
    </code>
  );
}

// The first line, and those that tell most with one around each; a null stands for lines that are left out.
export function excerpt(code: CodeLine[], first: number): Array<CodeLine | null> {
  const wanted = new Set<number>([first, first + 1]);
  for (const line of code) {
    if (!line.telling) continue;
    for (let step = -AROUND; step <= AROUND; step++) wanted.add(line.line + step);
  }
  if (wanted.size <= 3) for (let step = 2; step < 5; step++) wanted.add(first + step);
  const shown: Array<CodeLine | null> = [];
  let last = 0;
  for (const line of code) {
    if (!wanted.has(line.line) || shown.length >= MOST_SHOWN) continue;
    if (!line.pieces.some(([, text]) => text.trim())) continue;
    if (last && line.line > last + 2) shown.push(null);
    shown.push(line);
    last = line.line;
  }
  return shown;
}

export function Excerpt({ code, first }: { code: CodeLine[]; first: number }) {
  const shown = excerpt(code, first);
  const indents = shown.filter((line) => line !== null).map(indentOf);
  const margin = Math.min(...indents, 40);
  return (
    <div class="code">
      {shown.map((line) =>
        line === null ? (
          <div class="gap" aria-hidden="true">
            ⋯
          </div>
        ) : (
          <div class={line.telling ? "line telling" : "line"} key={line.line}>
            <span class="number">{line.line}</span>
            <Pieces line={withoutMargin(line, margin)} />
          </div>
        ),
      )}
    </div>
  );
}

function textOf(line: CodeLine): string {
  return line.pieces.map(([, text]) => text).join("");
}

function indentOf(line: CodeLine): number {
  const text = textOf(line);
  return text.length - text.trimStart().length;
}

function withoutMargin(line: CodeLine, margin: number): CodeLine {
  let left = margin;
  const pieces: Array<[string, string]> = [];
  for (const [kind, text] of line.pieces) {
    const cut = Math.min(left, text.length);
    left -= cut;
    if (cut < text.length) pieces.push([kind, text.slice(cut)]);
  }
  return { ...line, pieces };
}
