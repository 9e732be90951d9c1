// The filters: what is chosen, as chips that can be taken away, and menus to choose more.

import { useRef, useState } from "preact/hooks";
import type { RepositoryAnswer, StatusAnswer } from "./records";
import { NO_FILTERS, hasFilters, type Filters } from "./view";

interface Props {
  filters: Filters;
  repositories: RepositoryAnswer[];
  status: StatusAnswer | null;
  change(filters: Filters): void;
}

type ListName = "repositories" | "languages" | "kinds" | "paths";

const TESTS: Record<Filters["tests"], string> = { yes: "with tests", no: "without tests", only: "tests only" };

export function FilterBar({ filters, repositories, status, change }: Props) {
  const toggle = (name: ListName, value: string): void => {
    const held = filters[name];
    change({ ...filters, [name]: held.includes(value) ? held.filter((one) => one !== value) : [...held, value] });
  };
  const chips: Array<[ListName, string, string]> = [
    ...filters.repositories.map((value): [ListName, string, string] => ["repositories", "repository", value]),
    ...filters.languages.map((value): [ListName, string, string] => ["languages", "language", value]),
    ...filters.kinds.map((value): [ListName, string, string] => ["kinds", "kind", value]),
    ...filters.paths.map((value): [ListName, string, string] => ["paths", "path", value]),
  ];
  return (
    <section class="filters" aria-label="Filters">
      {repositories.length > 1 && (
        <Menu
          label="Repository"
          options={repositories.map((one) => [one.name, one.chunks])}
          chosen={filters.repositories}
          toggle={(value) => toggle("repositories", value)}
        />
      )}
      <Menu
        label="Language"
        options={Object.entries(status?.languages ?? {})}
        chosen={filters.languages}
        toggle={(value) => toggle("languages", value)}
      />
      <Menu
        label="Kind"
        options={(status?.kinds ?? []).map((kind) => [kind, null])}
        chosen={filters.kinds}
        toggle={(value) => toggle("kinds", value)}
      />
      <PathMenu add={(value) => !filters.paths.includes(value) && toggle("paths", value)} />
      <label class="tests">
        <span class="hidden">Tests</span>
        <select
          value={filters.tests}
          onChange={(event) => change({ ...filters, tests: event.currentTarget.value as Filters["tests"] })}
        >
          {Object.entries(TESTS).map(([value, text]) => (
            <option value={value} key={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
      {chips.map(([name, what, value]) => (
        <button
          type="button"
          class="chip"
          key={`${name}:${value}`}
          aria-label={`Remove ${what} ${value}`}
          onClick={() => toggle(name, value)}
        >
          <span class="chip-kind">{what}</span> {value} <span aria-hidden="true">×</span>
        </button>
      ))}
      {hasFilters(filters) && (
        <button type="button" class="link" onClick={() => change(NO_FILTERS)}>
          Clear filters
        </button>
      )}
    </section>
  );
}

interface MenuProps {
  label: string;
  options: Array<[string, number | null]>;
  chosen: string[];
  toggle(value: string): void;
}

const MANY = 10;

function Menu({ label, options, chosen, toggle }: MenuProps) {
  const [wanted, want] = useState("");
  const shown = options.filter(([value]) => value.toLowerCase().includes(wanted.toLowerCase())).slice(0, 200);
  return (
    <Dropdown label={label}>
      {options.length > MANY && (
        <input
          type="search"
          value={wanted}
          placeholder={`Find a ${label.toLowerCase()}`}
          aria-label={`Find a ${label.toLowerCase()}`}
          onInput={(event) => want(event.currentTarget.value)}
        />
      )}
      <ul>
        {shown.map(([value, count]) => (
          <li key={value}>
            <label>
              <input type="checkbox" checked={chosen.includes(value)} onChange={() => toggle(value)} />
              <span class="value">{value}</span>
              {count !== null && <span class="count">{count.toLocaleString("en")}</span>}
            </label>
          </li>
        ))}
      </ul>
      {shown.length === 0 && <p>{options.length ? "None is called so." : "Nothing is indexed yet."}</p>}
    </Dropdown>
  );
}

function PathMenu({ add }: { add(value: string): void }) {
  const [text, type] = useState("");
  return (
    <Dropdown label="Path">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim()) add(text.trim());
          type("");
        }}
      >
        <input
          type="text"
          value={text}
          placeholder="src/ or !vendor/"
          aria-label="Pattern of paths, as in a .gitignore"
          onInput={(event) => type(event.currentTarget.value)}
        />
        <button type="submit">Add</button>
      </form>
      <p>As in a .gitignore. A ! before it leaves out.</p>
    </Dropdown>
  );
}

function Dropdown({ label, children }: { label: string; children: preact.ComponentChildren }) {
  const details = useRef<HTMLDetailsElement>(null);
  return (
    <details
      class="menu"
      ref={details}
      name="filters"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !details.current?.open) return;
        event.stopPropagation();
        details.current.open = false;
        details.current.querySelector("summary")?.focus();
      }}
      onFocusOut={(event) => {
        const next = event.relatedTarget;
        if (next instanceof Node && !details.current?.contains(next)) details.current!.open = false;
      }}
    >
      <summary>{label}</summary>
      <div class="panel">{children}</div>
    </details>
  );
}
