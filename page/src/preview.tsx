// The whole file of a result, with its symbols and lines that can be linked to.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Failure, readContent } from "./api";
import { Pieces } from "./code";
import type { ContentAnswer } from "./records";
import { CopyLink } from "./results";
import { addressOf, type Place, type View } from "./view";

const AROUND = 2000;

interface Props {
  place: Place;
  view: View;
  telling: number[];
  span: [number, number] | null;
  go(place: Place): void;
  close(): void;
  fail(failure: Failure): void;
}

export function Preview({ place, view, telling, span, go, close, fail }: Props) {
  const [content, setContent] = useState<ContentAnswer | null>(null);
  const [problem, setProblem] = useState("");
  const [whole, setWhole] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const file = `${place.repository}\0${place.path}`;

  useEffect(() => {
    setWhole(false);
  }, [file]);

  // A line that is within what is here already needs no request.
  const inside =
    content !== null &&
    content.repository === place.repository &&
    content.path === place.path &&
    (whole ? content.end_line - content.start_line + 1 >= content.total_lines || content.from_index : true) &&
    place.line >= content.start_line &&
    place.line <= Math.max(content.end_line, 1);

  useEffect(() => {
    if (inside) return;
    const leaving = new AbortController();
    setProblem("");
    readContent(place, whole ? null : AROUND, leaving.signal).then(
      (answer) => setContent(answer),
      (error: unknown) => {
        if (leaving.signal.aborted) return;
        setContent(null);
        const failure = error instanceof Failure ? error : new Failure(0, String(error));
        setProblem(failure.message);
        if (failure.status === 401) fail(failure);
      },
    );
    return () => leaving.abort();
  }, [file, place.line, whole, inside]);

  const here = content?.repository === place.repository && content.path === place.path ? content : null;
  useLayoutEffect(() => {
    const line = box.current?.querySelector(`[data-line="${place.line}"]`);
    line?.scrollIntoView({ block: "center" });
  }, [here, place.line]);

  const marked = new Set(telling);
  const partial = here !== null && !here.from_index && here.end_line - here.start_line + 1 < here.total_lines;
  const linkTo = (line: number): string => addressOf({ ...view, file: { ...place, line } });
  return (
    <section class="preview" aria-label={`File ${place.path}`}>
      <header>
        <h2>
          <span class="repository">{place.repository}</span> <span class="path">{place.path}</span>
        </h2>
        <span class="tools">
          {here && here.symbols.length > 0 && (
            <label>
              <span class="hidden">Go to a symbol</span>
              <select
                value=""
                onChange={(event) => {
                  const line = Number(event.currentTarget.value);
                  event.currentTarget.value = "";
                  if (line) go({ ...place, line });
                }}
              >
                <option value="">{here.symbols.length.toLocaleString("en")} symbols</option>
                {here.symbols.map((symbol) => (
                  <option value={symbol.line} key={`${symbol.name}:${symbol.line}`}>
                    {`${symbol.name}  ${symbol.line}`}
                  </option>
                ))}
              </select>
            </label>
          )}
          <CopyLink href={addressOf({ ...view, file: place })} />
          <button type="button" onClick={close} aria-label="Close the file">
            ×
          </button>
        </span>
      </header>
      {here?.notice && <p class="notice">{sentence(here.notice)}</p>}
      {partial && here && (
        <p class="notice">
          Lines {here.start_line.toLocaleString("en")} to {here.end_line.toLocaleString("en")} of{" "}
          {here.total_lines.toLocaleString("en")}.{" "}
          <button type="button" class="link" onClick={() => setWhole(true)}>
            Show all
          </button>
        </p>
      )}
      {problem && (
        <p class="error" role="alert">
          {sentence(problem)}
        </p>
      )}
      <div class="code file" ref={box} tabIndex={0} role="region" aria-label="Source">
        {here?.code?.map((line) => {
          const classes = ["line"];
          if (marked.has(line.line)) classes.push("telling");
          if (span && line.line >= span[0] && line.line <= span[1]) classes.push("within");
          if (line.line === place.line) classes.push("current");
          return (
            <div class={classes.join(" ")} data-line={line.line} key={line.line}>
              <a
                class="number"
                href={linkTo(line.line)}
                aria-label={`Line ${line.line}`}
                tabIndex={-1}
                onClick={(event) => {
                  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                  event.preventDefault();
                  go({ ...place, line: line.line });
                }}
              >
                {line.line}
              </a>
              <Pieces line={line} />
            </div>
          );
        })}
        {!here && !problem && <p class="waiting">Opening the file…</p>}
      </div>
    </section>
  );
}

export function sentence(text: string): string {
  // The name of a repository, which ends with a colon, is written as it is.
  const full = /^\S+:/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(full) ? full : `${full}.`;
}
