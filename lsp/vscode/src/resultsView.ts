/** The results view: the latest answer, best first, each result with the lines that matter most below it. */

import * as vscode from "vscode";
import { detailOf, iconOf, lineOfPreview, placeOf, previewMarkdown, titleOf } from "./present";
import type { Answer, Item } from "./protocol";
import { label, put, type Question } from "./questions";
import type { Keeper } from "./searchBox";
import type { Server } from "./server";

export type Node = { item: Item; line?: number } | "more";

export class ResultsView implements vscode.TreeDataProvider<Node>, Keeper, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view = vscode.window.createTreeView<Node>("codesearch.results", { treeDataProvider: this });
  private asked: { question: Question; typed: string } | undefined;
  private answer: Answer = { items: [], notices: [], complete: true };

  constructor(private readonly server: Server) {}

  keep(question: Question, typed: string, answer: Answer): void {
    this.asked = { question, typed };
    this.answer = answer;
    this.refresh();
  }

  async reveal(): Promise<void> {
    await vscode.commands.executeCommand("codesearch.results.focus");
  }

  clear(): void {
    this.asked = undefined;
    this.answer = { items: [], notices: [], complete: true };
    this.refresh();
  }

  /** Asks the question of the view once more. */
  async again(): Promise<void> {
    await this.fetch(undefined);
  }

  /** Asks for the results after those that are shown. */
  async more(): Promise<void> {
    await this.fetch(this.answer.cursor);
  }

  getChildren(parent?: Node): Node[] {
    if (parent === "more") {
      return [];
    }
    if (parent) {
      const shown = parent.item.lines.filter((line) => lineOfPreview(parent.item, line) !== "");
      return shown.map((line) => ({ item: parent.item, line }));
    }
    const items: Node[] = this.answer.items.map((item) => ({ item }));
    return this.answer.cursor === undefined ? items : [...items, "more"];
  }

  getTreeItem(node: Node): vscode.TreeItem {
    if (node === "more") {
      return leaf("Show more results", "codesearch.results.more", []);
    }
    if (node.line !== undefined) {
      const line = leaf(lineOfPreview(node.item, node.line), "codesearch.results.open", [node]);
      line.description = `${node.line + 1}`;
      return line;
    }
    const { item } = node;
    const entry = leaf(titleOf(item), "codesearch.results.open", [node]);
    entry.collapsibleState = this.getChildren(node).length > 0 ? vscode.TreeItemCollapsibleState.Collapsed : 0;
    entry.description = placeOf(item, this.severalRepositories());
    entry.iconPath = new vscode.ThemeIcon(iconOf(item));
    entry.tooltip = new vscode.MarkdownString(previewMarkdown(item));
    entry.contextValue = "codesearch.match";
    entry.accessibilityInformation = { label: `${titleOf(item)}, ${entry.description}, ${detailOf(item)}` };
    return entry;
  }

  dispose(): void {
    this.view.dispose();
    this.changed.dispose();
  }

  private async fetch(cursor: string | undefined): Promise<void> {
    const asked = this.asked;
    if (!asked) {
      return;
    }
    const limit = vscode.workspace.getConfiguration("codesearch").get("limit", 20);
    await vscode.window.withProgress({ location: { viewId: "codesearch.results" } }, async (_progress, token) => {
      try {
        const answer = await put(this.server, asked.question, asked.typed, limit, cursor, token);
        if (this.asked === asked) {
          const before = cursor === undefined ? [] : this.answer.items;
          this.answer = { ...answer, items: [...before, ...answer.items] };
          this.refresh();
        }
      } catch (error) {
        void vscode.window.showErrorMessage(`Codesearch: ${error instanceof Error ? error.message : String(error)}`);
      }
    });
  }

  private refresh(): void {
    const { items, notices, cursor } = this.answer;
    const count = `${items.length}${cursor === undefined ? "" : "+"} results`;
    this.view.message = this.asked
      ? [`${label(this.asked.question)}: ${count}`, ...notices.map(({ text }) => text)].join("; ")
      : undefined;
    void vscode.commands.executeCommand("setContext", "codesearch.hasResults", this.asked !== undefined);
    this.changed.fire();
  }

  private severalRepositories(): boolean {
    return new Set(this.answer.items.map((item) => item.repository)).size > 1;
  }
}

function leaf(text: string, command: string, args: unknown[]): vscode.TreeItem {
  const item = new vscode.TreeItem(text);
  item.command = { command, title: "Open", arguments: args };
  return item;
}
