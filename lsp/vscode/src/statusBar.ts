/** The state of the index in the status bar, and the menu behind it. */

import * as vscode from "vscode";
import { statusLine } from "./present";
import { sayMissing, type Server, type Trouble } from "./server";
import type { Status } from "./protocol";

type State = Status | Trouble | "starting";

export class StatusBar implements vscode.Disposable {
  private readonly bar = vscode.window.createStatusBarItem("codesearch.status", vscode.StatusBarAlignment.Right, 50);
  private state: State = "starting";
  private readonly listening: vscode.Disposable[];

  constructor(private readonly server: Server) {
    this.bar.name = "Codesearch";
    this.bar.command = "codesearch.showStatus";
    this.listening = [
      server.onStatus((state) => this.show(state)),
      vscode.workspace.onDidChangeConfiguration(() => this.show(this.state)),
    ];
    this.show(this.state);
  }

  /** Shows the state of each folder, and what can be done about it. */
  async menu(): Promise<void> {
    if (this.state === "missing") {
      return sayMissing(this.server, "");
    }
    if (this.state === "failed") {
      return this.server.restart();
    }
    const folders = typeof this.state === "string" ? [] : statusLine(this.state).tooltip.split("\n");
    const actions = ["openSearch", "updateIndex", "restartServer", "showLog"] as const;
    const picked = await vscode.window.showQuickPick<vscode.QuickPickItem & { command?: string }>(
      [
        ...folders.map((text) => ({ label: text, kind: vscode.QuickPickItemKind.Separator })),
        ...actions.map((name) => ({ label: TITLES[name], command: `codesearch.${name}` })),
      ],
      { title: "Codesearch", placeHolder: this.bar.text.replace(/\$\([^)]*\)\s*/g, "") },
    );
    if (picked?.command) {
      await vscode.commands.executeCommand(picked.command);
    }
  }

  dispose(): void {
    this.bar.dispose();
    this.listening.forEach((listener) => listener.dispose());
  }

  private show(state: State): void {
    this.state = state;
    const line = typeof state === "string" ? WITHOUT_SERVER[state] : statusLine(state);
    this.bar.text = line.text;
    this.bar.tooltip = line.tooltip;
    this.bar.backgroundColor = line.warning ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
    if (vscode.workspace.getConfiguration("codesearch").get("statusBar", true)) {
      this.bar.show();
    } else {
      this.bar.hide();
    }
  }
}

const TITLES = {
  openSearch: "$(search) Ask in Plain Words…",
  updateIndex: "$(sync) Bring the Index Up to Date",
  restartServer: "$(debug-restart) Restart the Server",
  showLog: "$(output) Show the Log",
};

const WITHOUT_SERVER = {
  starting: { text: "$(loading~spin) Codesearch", tooltip: "the server is starting", warning: false },
  missing: { text: "$(warning) Codesearch", tooltip: "the program codesearch was not found; click for what to do", warning: true },
  failed: { text: "$(warning) Codesearch", tooltip: "the server has stopped; click to start it again", warning: true },
};
