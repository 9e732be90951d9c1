// The page: one box, the results as one types, and the file of a result.

import { render } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import {
  Failure,
  findSimilar,
  hasToken,
  listRepositories,
  readStatus,
  searchMore,
  searchStream,
  setToken,
} from "./api";
import { FilterBar } from "./filters";
import { Preview, sentence } from "./preview";
import type { Notice, RepositoryAnswer, Result, SearchAnswer, StatusAnswer } from "./records";
import { ResultList, keyOf, placeOf } from "./results";
import { Help, Progress, TokenForm } from "./sides";
import { forgetQuestions, questions, readStored, remember, store } from "./storage";
import { EMPTY, NO_FILTERS, addressOf, hasFilters, samePlace, viewOf, type Filters, type Place, type View } from "./view";

const DEBOUNCE_MS = 120;
const RESULTS = 20;
const SETTLED_MS = 1500;
const POLL_BUSY_MS = 2000;
const POLL_IDLE_MS = 30000;
const EXAMPLES = ["parse json", "retry with exponential backoff", "read the configuration file"];

interface Found {
  results: Result[];
  notices: Notice[];
  next: string | null;
  byWords: boolean;
  seconds: number;
  final: boolean;
}

type Theme = "auto" | "light" | "dark";
const THEMES: Theme[] = ["auto", "light", "dark"];

function foundOf(answer: SearchAnswer, final: boolean): Found {
  return {
    results: answer.results,
    notices: answer.notices,
    next: final ? answer.next_cursor : null,
    byWords: answer.by_words,
    seconds: answer.seconds,
    final,
  };
}

function App() {
  const [view, setView] = useState<View>(() => viewOf(location.hash));
  const [found, setFound] = useState<Found | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [working, setWorking] = useState(false);
  const [selected, setSelected] = useState("");
  const [explained, setExplained] = useState("");
  const [helping, setHelping] = useState(false);
  const [denied, setDenied] = useState("");
  const [attempt, setAttempt] = useState(0);
  const [repositories, setRepositories] = useState<RepositoryAnswer[]>([]);
  const [status, setStatus] = useState<StatusAnswer | null>(null);
  const [recent, setRecent] = useState<string[]>(questions);
  const [theme, setTheme] = useState<Theme>(() => readStored("theme", "auto") as Theme);
  const box = useRef<HTMLInputElement>(null);
  const more = useRef<AbortController | null>(null);
  const first = useRef(true);
  const moved = useRef(false);

  const go = useCallback((next: View, push: boolean) => {
    const address = addressOf(next);
    if (address !== location.hash) {
      if (push) history.pushState(null, "", address);
      else history.replaceState(null, "", address);
    }
    setView(next);
  }, []);

  useEffect(() => {
    const read = (): void => setView(viewOf(location.hash));
    addEventListener("popstate", read);
    addEventListener("hashchange", read);
    const elsewhere = (event: StorageEvent): void => {
      if (event.key === "codesearch.token") setAttempt((one) => one + 1);
      if (event.key === "codesearch.questions") setRecent(questions());
      if (event.key === "codesearch.theme") setTheme(readStored("theme", "auto") as Theme);
    };
    addEventListener("storage", elsewhere);
    return () => {
      removeEventListener("popstate", read);
      removeEventListener("hashchange", read);
      removeEventListener("storage", elsewhere);
    };
  }, []);

  useEffect(() => {
    if (theme === "auto") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.setAttribute("data-theme", theme);
  }, [theme]);

  // --- what is asked ---------------------------------------------------------------------------------------

  const fail = useCallback((error: unknown) => {
    const failed = error instanceof Failure ? error : new Failure(0, String(error));
    if (failed.status === 401) setDenied(failed.message);
    setFailure(failed);
    setWorking(false);
  }, []);

  const asked = JSON.stringify([view.question.trim(), view.filters, view.similar]);
  useEffect(() => {
    more.current?.abort();
    moved.current = false;
    setExplained("");
    if (!view.question.trim() && !view.similar) {
      setFound(null);
      setFailure(null);
      setWorking(false);
      return;
    }
    const leaving = new AbortController();
    const take = (answer: SearchAnswer, final: boolean): void => {
      setFound(foundOf(answer, final));
      setFailure(null);
      setDenied("");
      setSelected((before) => {
        const keys = answer.results.map(keyOf);
        // What was chosen stays chosen; what was merely first gives way to what is first now.
        return moved.current && keys.includes(before) ? before : (keys[0] ?? "");
      });
      if (final) setWorking(false);
    };
    const ask = (): void => {
      setWorking(true);
      const asking = view.similar
        ? findSimilar(view.similar, view.filters, { limit: RESULTS }, leaving.signal).then((one) => take(one, true))
        : searchStream(view.question, view.filters, RESULTS, leaving.signal, take);
      asking.catch((error: unknown) => {
        if (!leaving.signal.aborted) fail(error);
      });
    };
    const timer = setTimeout(ask, first.current || view.similar ? 0 : DEBOUNCE_MS);
    first.current = false;
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [asked, attempt]);

  // Too many requests, or an index that is being made: asked again by itself.
  useEffect(() => {
    if (!failure || ![429, 503].includes(failure.status)) return;
    const timer = setTimeout(() => setAttempt((one) => one + 1), Math.max(failure.wait, 2) * 1000);
    return () => clearTimeout(timer);
  }, [failure]);

  useEffect(() => {
    if (!found?.final || found.results.length === 0 || view.similar) return;
    const timer = setTimeout(() => {
      remember(view.question);
      setRecent(questions());
    }, SETTLED_MS);
    return () => clearTimeout(timer);
  }, [found]);

  const loadMore = (): void => {
    if (!found?.next) return;
    const leaving = new AbortController();
    more.current = leaving;
    setWorking(true);
    const page = { limit: RESULTS, cursor: found.next };
    const asking = view.similar
      ? findSimilar(view.similar, view.filters, page, leaving.signal)
      : searchMore(view.question, view.filters, page, leaving.signal);
    asking.then(
      (answer) => {
        if (leaving.signal.aborted) return;
        setFound((before) => before && { ...foundOf(answer, true), results: [...before.results, ...answer.results] });
        setWorking(false);
      },
      (error: unknown) => {
        if (!leaving.signal.aborted) fail(error);
      },
    );
  };

  // --- how the server is doing -----------------------------------------------------------------------------

  useEffect(() => {
    let timer = 0;
    let ended = false;
    let wereBusy = false;
    const look = async (): Promise<void> => {
      let wait = POLL_IDLE_MS;
      if (document.visibilityState === "visible") {
        try {
          const [listed, told] = await Promise.all([listRepositories(), readStatus()]);
          if (ended) return;
          setRepositories(listed.repositories);
          setStatus(told);
          setDenied("");
          const busy =
            told.encoder === "loading" ||
            listed.repositories.some((one) => ["waiting", "indexing", "encoding"].includes(one.stage));
          if (busy) wait = POLL_BUSY_MS;
          wereBusy = busy;
        } catch (error) {
          if (ended) return;
          if (error instanceof Failure && error.status === 401) setDenied(error.message);
          wait = wereBusy ? POLL_BUSY_MS : POLL_IDLE_MS;
        }
      }
      timer = window.setTimeout(look, wait);
    };
    void look();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, [attempt]);

  // --- what one does with results --------------------------------------------------------------------------

  const results = found?.results ?? [];
  const current = useMemo(() => results.find((one) => keyOf(one) === selected) ?? null, [results, selected]);

  const choose = (key: string): void => {
    moved.current = true;
    setSelected(key);
  };
  const open = (result: Result): void => {
    moved.current = true;
    setSelected(keyOf(result));
    remember(view.question);
    setRecent(questions());
    go({ ...view, file: placeOf(result) }, true);
  };
  const similar = (result: Result): void => {
    setSelected("");
    setFound(null);
    go({ ...view, similar: placeOf(result), file: null }, true);
    box.current?.focus();
  };
  const close = (): void => {
    go({ ...view, file: null }, true);
    box.current?.focus();
  };
  const move = (step: number): void => {
    if (!results.length) return;
    const at = results.findIndex((one) => keyOf(one) === selected);
    const next = Math.min(Math.max(at + step, 0), results.length - 1);
    moved.current = true;
    setSelected(keyOf(results[next]!));
    document.getElementById(`result-${next}`)?.scrollIntoView({ block: "nearest" });
    if (view.file) go({ ...view, file: placeOf(results[next]!) }, false);
  };

  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || helping || denied) return;
    const target = event.target as HTMLElement;
    const inBox = target === box.current;
    const typing = !inBox && /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName);
    if (typing) return;
    const onControl = !inBox && target.closest("a, button, summary") !== null;
    const inSource = target.closest(".file") !== null;
    const act = (work: () => void): void => {
      event.preventDefault();
      work();
    };
    if (event.key === "Escape") {
      if (view.file) act(close);
      else if (explained) act(() => setExplained(""));
      else if (view.similar) act(() => go({ ...view, similar: null }, true));
      else if (inBox && view.question) act(() => go({ ...view, question: "" }, false));
      else if (inBox) act(() => box.current?.blur());
      return;
    }
    if (event.key === "?" && !(inBox && view.question)) return act(() => setHelping(true));
    if (event.key === "/" && !inBox) {
      return act(() => {
        box.current?.focus();
        box.current?.select();
      });
    }
    if (inSource) return; // arrows scroll it
    const vertical: Record<string, number> = inBox ? { ArrowDown: 1, ArrowUp: -1 } : { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 };
    if (event.key in vertical) return act(() => move(vertical[event.key]!));
    if (event.key === "Enter" && !onControl && current) return act(() => open(current));
    if (!inBox && !onControl && current) {
      if (event.key === "s") act(() => similar(current));
      else if (event.key === "w") act(() => setExplained(explained === selected ? "" : selected));
    }
  };
  const handler = useRef(onKey);
  handler.current = onKey;
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => handler.current(event);
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);

  // --- what is shown ---------------------------------------------------------------------------------------

  const several = repositories.length !== 1;
  const opened = view.file && results.find((one) => samePlace(placeOf(one), view.file));
  const around = opened ?? (view.file && results.find((one) => within(one, view.file!)));
  const nextTheme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
  const change = (filters: Filters): void => go({ ...view, filters }, true);

  return (
    <div class={view.file ? "page opened" : "page"}>
      <header class="top">
        <h1 class="brand">
          <a
            href="#"
            onClick={(event) => {
              event.preventDefault();
              go(EMPTY, true);
              box.current?.focus();
            }}
          >
            codesearch
          </a>
        </h1>
        <form
          role="search"
          class="ask"
          onSubmit={(event) => event.preventDefault()}
        >
          <input
            ref={box}
            class="box"
            type="search"
            aria-label="Ask about the code"
            placeholder="Ask in plain words, a name, or paste code"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            autofocus
            maxLength={100000}
            value={view.question}
            onInput={(event) => go({ ...view, question: event.currentTarget.value, similar: null, file: null }, false)}
          />
          <span class={working ? "busy on" : "busy"} aria-hidden="true" />
        </form>
        <button
          type="button"
          class="icon"
          aria-label={`Colours: ${theme}. Change to ${nextTheme}`}
          title={`Colours: ${theme}`}
          onClick={() => {
            store("theme", nextTheme === "auto" ? "" : nextTheme);
            setTheme(nextTheme);
          }}
        >
          {theme === "light" ? "☀" : theme === "dark" ? "☾" : "◐"}
        </button>
        <button type="button" class="icon" aria-label="Keys and filters" title="Keys (?)" onClick={() => setHelping(true)}>
          ?
        </button>
        {hasToken() && !denied && (
          <button
            type="button"
            class="link out"
            onClick={() => {
              setToken("");
              setFound(null);
              setAttempt((one) => one + 1);
            }}
          >
            Sign out
          </button>
        )}
      </header>
      {denied ? (
        <main class="middle">
          <TokenForm
            problem={denied}
            had={hasToken()}
            take={(token) => {
              setToken(token);
              setDenied("");
              setAttempt((one) => one + 1);
            }}
          />
        </main>
      ) : (
        <>
          <FilterBar filters={view.filters} repositories={repositories} status={status} change={change} />
          <main class="columns">
            <section class="list" aria-label="Answer">
              {view.similar && (
                <p class="like">
                  Code like{" "}
                  <b>
                    {view.similar.path}:{view.similar.line}
                  </b>{" "}
                  <button type="button" class="link" onClick={() => go({ ...view, similar: null }, true)}>
                    Back to the question
                  </button>
                </p>
              )}
              <p class="said" role="status">
                {told(found, view, working)}
              </p>
              {failure && failure.status !== 401 && (
                <div class="error" role="alert">
                  <p>{sentence(failure.message)}</p>
                  <button type="button" onClick={() => setAttempt((one) => one + 1)}>
                    Try again
                  </button>
                </div>
              )}
              <Progress repositories={repositories} status={status} />
              {found && found.final && found.notices.map((one) => (
                <p class="notice" key={one.text}>
                  {sentence(one.text)}
                </p>
              ))}
              {found?.final && results.length === 0 && hasFilters(view.filters) && (
                <p>
                  <button type="button" onClick={() => change(NO_FILTERS)}>
                    Search without filters
                  </button>
                </p>
              )}
              <ResultList
                results={results}
                view={view}
                selected={selected}
                several={several}
                status={status}
                explained={explained}
                select={choose}
                open={open}
                similar={similar}
                explain={setExplained}
              />
              {found?.next && (
                <button type="button" class="more" onClick={loadMore} disabled={working}>
                  More results
                </button>
              )}
              {!view.question.trim() && !view.similar && (
                <Start
                  repositories={repositories}
                  recent={recent}
                  ask={(question) => {
                    go({ ...view, question, file: null }, true);
                    box.current?.focus();
                  }}
                  forget={() => {
                    forgetQuestions();
                    setRecent([]);
                  }}
                />
              )}
            </section>
            {view.file && (
              <Preview
                place={view.file}
                view={view}
                telling={around?.lines ?? []}
                span={around ? [around.start_line, around.end_line] : null}
                go={(place) => go({ ...view, file: place }, true)}
                close={close}
                fail={fail}
              />
            )}
          </main>
        </>
      )}
      {helping && (
        <Help
          close={() => {
            setHelping(false);
            box.current?.focus();
          }}
        />
      )}
    </div>
  );
}

function within(result: Result, place: Place): boolean {
  return (
    result.repository === place.repository &&
    result.path === place.path &&
    result.start_line <= place.line &&
    place.line <= result.end_line
  );
}

function told(found: Found | null, view: View, working: boolean): string {
  if (!found) return working ? "Searching…" : "";
  const count = found.results.length;
  if (!count) return found.final ? (view.similar ? "Nothing is like it." : "Nothing was found.") : "Searching…";
  const results = `${count}${found.next ? " or more" : ""} ${count === 1 ? "result" : "results"}`;
  const time = `${Math.max(1, Math.round(found.seconds * 1000)).toLocaleString("en")} ms`;
  if (!found.final) return `${results} by words, in ${time}…`;
  return `${results}${found.byWords ? " by words" : ""}, in ${time}`;
}

interface StartProps {
  repositories: RepositoryAnswer[];
  recent: string[];
  ask(question: string): void;
  forget(): void;
}

function Start({ repositories, recent, ask, forget }: StartProps) {
  const searchable = repositories.filter((one) => one.searchable);
  const chunks = searchable.reduce((sum, one) => sum + one.chunks, 0);
  return (
    <section class="start">
      <p class="lead">
        {searchable.length === 0
          ? "Ask what the code does, in plain words."
          : `Ask what the code does: ${chunks.toLocaleString("en")} functions and other pieces, in ${
              searchable.length === 1 ? searchable[0]!.name : `${searchable.length.toLocaleString("en")} repositories`
            }.`}
      </p>
      {recent.length > 0 ? (
        <>
          <h2>
            Asked before{" "}
            <button type="button" class="link" onClick={forget}>
              Forget these
            </button>
          </h2>
          <Questions asked={recent.slice(0, 12)} ask={ask} />
        </>
      ) : (
        <>
          <h2>For example</h2>
          <Questions asked={EXAMPLES} ask={ask} />
        </>
      )}
      <p class="hint">
        <kbd>/</kbd> goes to the box, <kbd>↑</kbd> <kbd>↓</kbd> select, <kbd>Enter</kbd> opens, <kbd>?</kbd> lists all keys.
      </p>
    </section>
  );
}

function Questions({ asked, ask }: { asked: string[]; ask(question: string): void }) {
  return (
    <ul class="questions">
      {asked.map((question) => (
        <li key={question}>
          <button type="button" class="link" onClick={() => ask(question)}>
            {question}
          </button>
        </li>
      ))}
    </ul>
  );
}

render(<App />, document.getElementById("page")!);
