/** The search box: a QuickPick that asks while one types. */

import * as vscode from "vscode";
import { openItem, Preview } from "./preview";
import { detailOf, iconOf, placeOf, titleOf } from "./present";
import type { Answer, Item } from "./protocol";
import { parseQuery } from "./query";
import { label, put, type Question } from "./questions";
import type { Server } from "./server";

const PAUSE_MS = 120; // after the last key; short enough to feel live, long enough not to ask for every letter
const PREVIEW_PAUSE_MS = 60;
const AGAIN_MS = 1_000; // while an index is being made
const RECENT = "codesearch.recent";
const RECENT_KEPT = 20;

type Entry = vscode.QuickPickItem & { item?: Item; more?: boolean; recent?: string };

const TO_SIDE: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon("split-horizontal"), tooltip: "Open to the Side" };
const SIMILAR: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon("references"), tooltip: "Find Similar Code" };
const TO_VIEW: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon("list-unordered"), tooltip: "Keep These Results in the View" };

/** Where results go that are to stay. */
export interface Keeper {
  keep(question: Question, typed: string, answer: Answer): void;
  reveal(): Promise<void>;
}

export class SearchBox {
  private readonly pick = vscode.window.createQuickPick<Entry>();
  private readonly preview = new Preview();
  private readonly wantsPreview = setting("preview", true);
  private answer: Answer = { items: [], notices: [], complete: true };
  private asking: vscode.CancellationTokenSource | undefined;
  private timer: NodeJS.Timeout | undefined;
  private previewTimer: NodeJS.Timeout | undefined;
  private chosen = false;
  /** Return was pressed before the answer was there: the result that was shown then, or "first" where none was. */
  private awaited: Item | "first" | undefined;

  private constructor(
    private readonly server: Server,
    private readonly keeper: Keeper,
    private readonly memory: vscode.Memento,
    /** Similar code is wanted for this; undefined: what is typed is the question. */
    private readonly place: Question | undefined,
    typed: string,
  ) {
    const pick = this.pick;
    pick.title = place ? `Codesearch: ${label(place)}` : "Codesearch";
    pick.placeholder = place
      ? "Narrow down with lang:python kind:function path:src/**"
      : "Ask in plain words, or a name; narrow down with lang:python kind:function path:src/**";
    pick.buttons = [TO_VIEW];
    pick.matchOnDescription = false;
    // Not in the types: without it VS Code orders by how well labels fit the letters that were typed.
    (pick as unknown as { sortByLabel: boolean }).sortByLabel = false;
    pick.value = typed;
    pick.onDidChangeValue(() => this.ask(PAUSE_MS));
    pick.onDidChangeActive(([entry]) => this.showSoon(entry?.item));
    pick.onDidAccept(() => void this.accept());
    pick.onDidTriggerButton(() => void this.keep(true));
    pick.onDidTriggerItemButton(({ item, button }) => void this.useButton(item.item, button));
    pick.onDidHide(() => void this.close());
  }

  /** Opens the box. Returns at once. */
  static open(server: Server, keeper: Keeper, memory: vscode.Memento, place?: Question, typed = ""): void {
    const box = new SearchBox(server, keeper, memory, place, typed);
    box.pick.show();
    box.ask(0);
  }

  private get question(): Question {
    return this.place ?? { kind: "words", typed: this.pick.value.trim() };
  }

  private askNow(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    void this.fetch(undefined);
  }

  private ask(pause: number): void {
    this.awaited = undefined;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.asking?.cancel();
    this.asking = undefined;
    if (!this.place && parseQuery(this.pick.value).words === "") {
      this.pick.busy = false;
      this.pick.items = this.recent();
      return;
    }
    this.pick.busy = true;
    this.timer = setTimeout(() => this.askNow(), pause);
  }

  /** Asks for the first results, or for those after a cursor. */
  private async fetch(cursor: string | undefined): Promise<void> {
    const asking = (this.asking = new vscode.CancellationTokenSource());
    const before = cursor === undefined ? [] : this.answer.items;
    this.pick.busy = true;
    try {
      const answer = await put(
        this.server, this.question, this.pick.value, setting("limit", 20), cursor, asking.token,
      );
      if (this.asking === asking) {
        this.answer = { ...answer, items: [...before, ...answer.items] };
        this.fill(before.length);
        this.chooseAwaited();
        if (this.answer.items.length === 0 && answer.notices.some(({ kind }) => kind === NOTHING_YET)) {
          this.askAgain();
        }
      }
    } catch (error) {
      if (this.asking === asking) {
        this.pick.items = [notice(error instanceof Error ? error.message : String(error), "error")];
      }
    } finally {
      if (this.asking === asking) {
        this.pick.busy = this.timer !== undefined;
        this.asking = undefined;
      }
      asking.dispose();
    }
  }

  /** Chooses what was on the screen when return was pressed, if it is in the answer; nothing that was never seen. */
  private chooseAwaited(): void {
    const awaited = this.awaited;
    this.awaited = undefined;
    const same = (item: Item) =>
      awaited === "first" || (item.uri === awaited?.uri && item.range.start.line === awaited.range.start.line);
    const item = awaited && this.answer.items.find(same);
    if (item) {
      void this.choose(item);
    }
  }

  /** The index is being made: the answer follows by itself. */
  private askAgain(): void {
    this.pick.busy = true;
    this.timer = setTimeout(() => this.askNow(), AGAIN_MS);
  }

  private fill(active: number): void {
    const several = new Set(this.answer.items.map((item) => item.repository)).size > 1;
    const entries = this.answer.items.map((item) => entryOf(item, several));
    const more: Entry[] = this.answer.cursor === undefined ? [] : [MORE];
    const notices = this.answer.notices.map(({ text }) => notice(text, "info"));
    if (entries.length === 0 && notices.length === 0) {
      notices.push(notice("nothing found; try other words", "info"));
    }
    this.pick.keepScrollPosition = active > 0;
    this.pick.items = [...entries, ...more, ...notices];
    const wanted = entries[active];
    if (wanted) {
      this.pick.activeItems = [wanted];
    }
  }

  private recent(): Entry[] {
    const asked = this.memory.get<string[]>(RECENT, []);
    const entries = asked.map((recent) => ({ label: `$(history) ${recent}`, alwaysShow: true, recent }));
    return entries.length > 0 ? [{ label: "asked before", kind: vscode.QuickPickItemKind.Separator }, ...entries] : [];
  }

  private async remember(): Promise<void> {
    if (!this.place) {
      const typed = this.pick.value.trim();
      const others = this.memory.get<string[]>(RECENT, []).filter((recent) => recent !== typed);
      await this.memory.update(RECENT, [typed, ...others].slice(0, RECENT_KEPT));
    }
  }

  private showSoon(item: Item | undefined): void {
    clearTimeout(this.previewTimer);
    if (item && this.wantsPreview) {
      this.previewTimer = setTimeout(() => void this.preview.show(item), PREVIEW_PAUSE_MS);
    }
  }

  private async accept(): Promise<void> {
    const entry = this.pick.activeItems[0];
    if (this.timer || this.asking) {
      this.awaited = entry?.item ?? "first";
      if (this.timer) {
        this.askNow();
      }
    } else if (entry?.recent !== undefined) {
      this.pick.value = entry.recent;
      this.ask(0);
    } else if (entry?.more) {
      await this.fetch(this.answer.cursor);
    } else if (entry?.item) {
      await this.choose(entry.item);
    }
  }

  private async choose(item: Item, column?: vscode.ViewColumn): Promise<void> {
    this.chosen = true;
    await this.keep(false);
    this.pick.hide();
    await open(item, column);
  }

  private async keep(reveal: boolean): Promise<void> {
    if (this.answer.items.length > 0) {
      this.keeper.keep(this.question, this.pick.value, this.answer);
      await this.remember();
      if (reveal) {
        this.pick.hide();
        await this.keeper.reveal();
      }
    }
  }

  private async useButton(item: Item | undefined, button: vscode.QuickInputButton): Promise<void> {
    if (item && button === TO_SIDE) {
      await this.preview.restore();
      await this.choose(item, vscode.ViewColumn.Beside);
    } else if (item) {
      await this.remember();
      this.pick.hide();
      SearchBox.open(this.server, this.keeper, this.memory, similarTo(item));
    }
  }

  private async close(): Promise<void> {
    clearTimeout(this.timer);
    clearTimeout(this.previewTimer);
    this.asking?.cancel();
    if (!this.chosen) {
      await this.preview.restore();
    }
    this.preview.dispose();
    this.pick.dispose();
  }
}

const NOTHING_YET = "nothing indexed"; // kind of a notice
const MORE: Entry = { label: "$(ellipsis) Show more results", alwaysShow: true, more: true };

function entryOf(item: Item, severalRepositories: boolean): Entry {
  return {
    label: `$(${iconOf(item)}) ${titleOf(item)}`,
    description: placeOf(item, severalRepositories),
    detail: detailOf(item),
    alwaysShow: true,
    buttons: [SIMILAR, TO_SIDE],
    item,
  };
}

function notice(text: string, icon: "info" | "error"): Entry {
  return { label: `$(${icon}) ${text}`, alwaysShow: true };
}

/** The question for code that is similar to a result. */
export function similarTo(item: Item): Question {
  return { kind: "similar", uri: item.uri, position: item.selectionRange.start, label: titleOf(item) };
}

/** Opens a result, and says so where its file is gone. */
export async function open(item: Item, column?: vscode.ViewColumn, line?: number): Promise<void> {
  try {
    await openItem(item, column, line);
  } catch (error) {
    void vscode.window.showErrorMessage(`${item.path} could not be opened: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function setting<T>(name: string, otherwise: T): T {
  return vscode.workspace.getConfiguration("codesearch").get(name, otherwise);
}
