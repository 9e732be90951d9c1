// What stands beside the results: progress, the form for a token, the table of keys, what is said of an empty answer.

import { useEffect, useRef, useState } from "preact/hooks";
import { sentence } from "./preview";
import type { RepositoryAnswer, StatusAnswer } from "./records";

const KEYS: Array<[string, string]> = [
  ["/", "go to the box"],
  ["↑ ↓", "select a result; outside of the box also k and j"],
  ["Enter", "open the file of the selected result"],
  ["s", "find code like the selected result (outside of the box)"],
  ["w", "say why it is where it is (outside of the box)"],
  ["Esc", "close what is open, and then leave the box"],
  ["?", "show this table"],
];

export function Help({ close }: { close(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog class="help" ref={dialog} onClose={close} aria-label="Keys and filters">
      <h2>Keys</h2>
      <table>
        <tbody>
          {KEYS.map(([key, meaning]) => (
            <tr key={key}>
              <th scope="row">
                <kbd>{key}</kbd>
              </th>
              <td>{meaning}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h2>Filters in the question</h2>
      <p>
        <code>lang:go</code> <code>path:net/</code> <code>kind:function</code> <code>is:test</code>, and each with{" "}
        <code>-</code> before it to leave something out. A backslash before one makes it plain words.
      </p>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}

export function TokenForm({ problem, had, take }: { problem: string; had: boolean; take(token: string): void }) {
  const [token, type] = useState("");
  return (
    <form
      class="token"
      onSubmit={(event) => {
        event.preventDefault();
        if (token.trim()) take(token.trim());
        type("");
      }}
    >
      <h2>This server needs a token</h2>
      {had && (
        <p class="error" role="alert">
          {sentence(problem)}
        </p>
      )}
      <p>
        Whoever runs the server makes one with <code>codesearch token add</code>. This browser keeps it until you sign
        out.
      </p>
      <label>
        Token
        <input
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={token}
          onInput={(event) => type(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Sign in</button>
    </form>
  );
}

export function Progress({ repositories, status }: { repositories: RepositoryAnswer[]; status: StatusAnswer | null }) {
  const busy = repositories.filter((one) => ["indexing", "encoding"].includes(one.stage));
  const waiting = repositories.filter((one) => one.stage === "waiting" && !one.searchable).length;
  const troubled = repositories.filter((one) => one.stage === "failed" || one.stage === "gone");
  const loading = status?.encoder === "loading";
  if (!busy.length && !waiting && !troubled.length && !loading && !status?.problem) return null;
  return (
    <section class="progress" aria-label="Indexing">
      {busy.slice(0, 3).map((one) => (
        <p key={one.name}>
          <span>
            <b>{one.name}</b>: {one.doing}
            {one.total > 0 && ` ${one.done.toLocaleString("en")} of ${one.total.toLocaleString("en")}`}
            {one.stage === "encoding" && ". It is found by its words meanwhile."}
          </span>
          <progress max={one.total || 1} value={one.total ? one.done : undefined} aria-label={`Indexing ${one.name}`} />
        </p>
      ))}
      {waiting > 0 && <p>{waiting === 1 ? "1 repository waits" : `${waiting} repositories wait`} to be indexed.</p>}
      {loading && <p>The encoder is loading. Until then code is found by its words.</p>}
      {status?.problem && <p class="error">{sentence(status.problem)}</p>}
      {troubled.slice(0, 5).map((one) => (
        <p class="error" key={one.name}>
          <b>{one.name}</b>:{" "}
          {one.stage === "gone" ? "its folder is gone. It is searched as it was indexed." : sentence(one.problem)}
        </p>
      ))}
    </section>
  );
}
