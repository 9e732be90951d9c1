/** Entry point: ties the server, the search box, the results view and the status bar to commands. */

import * as vscode from "vscode";
import type { Item } from "./protocol";
import { folderPattern, formatFilters } from "./query";
import type { Question } from "./questions";
import { type Node, ResultsView } from "./resultsView";
import { open, SearchBox, similarTo } from "./searchBox";
import { Server } from "./server";
import { StatusBar } from "./statusBar";

let server: Server | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("Codesearch");
  const memory = context.workspaceState;
  const running = (server = new Server(log, (command, args) => showForServer(command, args)));
  const results = new ResultsView(running);
  const status = new StatusBar(running);
  context.subscriptions.push(log, running, results, status);

  const ask = (place?: Question, typed?: string) => {
    if (running.trouble) {
      void running.restart();
    }
    SearchBox.open(running, results, memory, place, typed);
  };

  /** The server's own commands, from code lenses and code actions, answer with results: they belong into the box. */
  function showForServer(command: string, args: unknown[]): boolean {
    const [what, position] = args;
    if (command === "codesearch.similar" && typeof what === "string" && isPosition(position)) {
      ask({ kind: "similar", uri: what, position, label: "this function" });
      return true;
    }
    if (command === "codesearch.ask" && typeof what === "string") {
      ask(undefined, what);
      return true;
    }
    return false;
  }

  const commands: Record<string, (...args: never[]) => unknown> = {
    openSearch: (typed?: unknown) => ask(undefined, typeof typed === "string" ? typed : ""),
    findSimilar: () => findSimilar(ask),
    searchInFolder: (folder: vscode.Uri) => {
      const path = vscode.workspace.asRelativePath(folder, false);
      ask(undefined, `${formatFilters({ paths: [folderPattern(path)] })} `);
    },
    searchAgain: () => results.again(),
    clearResults: () => results.clear(),
    updateIndex: () => withErrors(running.reindex()),
    showStatus: () => status.menu(),
    restartServer: () => running.restart(),
    showLog: () => log.show(),
    "results.more": () => results.more(),
    "results.open": ({ item, line }: { item: Item; line?: number }) => open(item, undefined, line),
    "results.openToSide": (node: Node) => node !== "more" && open(node.item, vscode.ViewColumn.Beside, node.line),
    "results.findSimilar": (node: Node) => node !== "more" && ask(similarTo(node.item)),
    "results.copyPath": (node: Node) =>
      node !== "more" && vscode.env.clipboard.writeText(`${node.item.path}:${node.item.selectionRange.start.line + 1}`),
  };
  for (const [name, run] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(`codesearch.${name}`, run));
  }
  context.subscriptions.push(
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("codesearch.server.path")) {
        void running.restart();
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void running.start()),
  );
  void running.start();
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}

/** Asks for code that is similar to the selection, or to the function around the cursor. */
function findSimilar(ask: (place: Question) => void): void {
  const editor = vscode.window.activeTextEditor;
  if (!editor) {
    void vscode.window.showInformationMessage("Open a file and put the cursor into a function, or select some code.");
    return;
  }
  const { document, selection } = editor;
  const name = vscode.workspace.asRelativePath(document.uri);
  ask({
    kind: "similar",
    uri: document.uri.toString(),
    position: { line: selection.active.line, character: selection.active.character },
    ...(!selection.isEmpty && { text: document.getText(selection) }),
    label: `${name}:${selection.active.line + 1}`,
  });
}

function isPosition(value: unknown): value is { line: number; character: number } {
  return typeof value === "object" && value !== null && "line" in value && "character" in value;
}

async function withErrors(done: Promise<unknown>): Promise<void> {
  try {
    await done;
  } catch (error) {
    void vscode.window.showErrorMessage(`Codesearch: ${error instanceof Error ? error.message : String(error)}`);
  }
}
