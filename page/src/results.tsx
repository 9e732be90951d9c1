// The list of results, and what each can be asked for.

import { useState } from "preact/hooks";
import { Excerpt } from "./code";
import type { Result, StatusAnswer } from "./records";
import { addressOf, type Place, type View } from "./view";

export function placeOf(result: Result): Place {
  return { repository: result.repository, path: result.path, line: result.line };
}

export function keyOf(result: Result): string {
  return [result.repository, result.path, result.start_line, result.end_line, result.name].join("\0");
}

interface ListProps {
  results: Result[];
  view: View;
  selected: string;
  several: boolean;
  status: StatusAnswer | null;
  explained: string;
  select(key: string): void;
  open(result: Result): void;
  similar(result: Result): void;
  explain(key: string): void;
}

export function ResultList(props: ListProps) {
  return (
    <ol class="results" aria-label="Results">
      {props.results.map((result, number) => {
        const key = keyOf(result);
        return <Entry {...props} result={result} number={number} id={key} key={key} />;
      })}
    </ol>
  );
}

function Entry(props: ListProps & { result: Result; id: string; number: number }) {
  const { result, id, view } = props;
  const chosen = props.selected === id;
  const href = addressOf({ ...view, file: placeOf(result) });
  const slash = result.path.lastIndexOf("/") + 1;
  const explained = props.explained === id;
  return (
    <li
      class={chosen ? "result selected" : "result"}
      aria-current={chosen ? "true" : undefined}
      id={`result-${props.number}`}
      onMouseDown={() => props.select(id)}
    >
      <h2>
        <a
          href={href}
          onClick={(event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            props.open(result);
          }}
        >
          <span class="name">{result.name || result.path.slice(slash)}</span>
          <span class="kind">{result.kind}</span>
        </a>
      </h2>
      <p class="where">
        {props.several && <span class="repository">{result.repository}</span>}
        <span class="path">
          {result.path.slice(0, slash)}
          <b>{result.path.slice(slash)}</b>:{result.line}
        </span>
        <span class="language">{result.language}</span>
      </p>
      {result.code && <Excerpt code={result.code} first={result.line} />}
      <p class="actions">
        <button type="button" class="link" onClick={() => props.similar(result)}>
          Similar
        </button>
        <button type="button" class="link" aria-expanded={explained} onClick={() => props.explain(explained ? "" : id)}>
          Why here
        </button>
        <CopyLink href={href} />
      </p>
      {explained && <Reasons result={result} status={props.status} />}
    </li>
  );
}

export function CopyLink({ href }: { href: string }) {
  const [said, say] = useState("");
  return (
    <button
      type="button"
      class="link"
      onClick={() => {
        const address = new URL(href, location.href).href;
        const done = navigator.clipboard?.writeText(address) ?? Promise.reject(new Error("no clipboard"));
        done.then(
          () => say("Copied"),
          () => say("Copy it from the address bar: open the result first"),
        );
        setTimeout(() => say(""), 2500);
      }}
    >
      <span aria-live="polite">{said || "Copy link"}</span>
    </button>
  );
}

function Reasons({ result, status }: { result: Result; status: StatusAnswer | null }) {
  const signals = Object.entries(result.signals)
    .filter(([, value]) => value !== 0)
    .sort((one, other) => Math.abs(other[1]) - Math.abs(one[1]));
  const largest = Math.max(...signals.map(([, value]) => Math.abs(value)), 0.001);
  if (signals.length === 0) {
    return <p class="reasons">Its code is like that of the place: {result.score.toFixed(3)} of 1 at most.</p>;
  }
  return (
    <table class="reasons">
      <caption>What makes up the score of {result.score.toFixed(3)}</caption>
      <tbody>
        {signals.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td class="value">{(value > 0 ? "+" : "") + value.toFixed(3)}</td>
            <td class="bar">
              <meter min={0} max={largest} value={Math.abs(value)} aria-hidden="true" />
            </td>
            <td class="meaning">{status?.signals[name] ?? ""}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
