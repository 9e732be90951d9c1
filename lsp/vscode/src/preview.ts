/** Showing a result in the editor, and putting things back as they were. */

import * as vscode from "vscode";
import type { Item, Range } from "./protocol";

export function toRange(range: Range): vscode.Range {
  return new vscode.Range(range.start.line, range.start.character, range.end.line, range.end.character);
}

/** Opens a result for good, with the cursor at its name, or at a given line of it. */
export async function openItem(item: Item, column?: vscode.ViewColumn, line?: number): Promise<void> {
  const start = line === undefined ? toRange(item.selectionRange).start : new vscode.Position(line, 0);
  const editor = await vscode.window.showTextDocument(vscode.Uri.parse(item.uri), {
    preview: false,
    selection: new vscode.Range(start, start),
    ...(column !== undefined && { viewColumn: column }),
  });
  editor.revealRange(new vscode.Range(start, start), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

/** Shows results one after the other while a choice is being made. */
export class Preview implements vscode.Disposable {
  private readonly whole = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor("editor.rangeHighlightBackground"),
  });
  private readonly telling = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor("editor.findMatchHighlightBackground"),
    overviewRulerColor: new vscode.ThemeColor("editorOverviewRuler.findMatchForeground"),
  });
  private readonly before = vscode.window.activeTextEditor;
  private readonly selection = this.before?.selection;
  private readonly visible = this.before?.visibleRanges[0];
  private editor: vscode.TextEditor | undefined;
  private latest: Item | undefined;
  private readonly openTabs = new Set(tabs().map((tab) => tab.input.uri.toString()));

  /** Shows a result without taking the focus. Only the latest that was asked for is shown. */
  async show(item: Item): Promise<void> {
    this.latest = item;
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(item.uri)).then(
      (opened) => opened,
      () => undefined, // deleted since it was indexed; choosing it says so
    );
    if (!document || this.latest !== item) {
      return;
    }
    const editor = await vscode.window.showTextDocument(document, { preview: true, preserveFocus: true });
    if (this.latest !== item) {
      return;
    }
    this.clear();
    this.editor = editor;
    editor.setDecorations(this.whole, [toRange(item.range)]);
    editor.setDecorations(this.telling, item.lines.map((line) => new vscode.Range(line, 0, line, 0)));
    editor.revealRange(toRange(item.selectionRange), vscode.TextEditorRevealType.InCenter);
  }

  /** Goes back to where the user was. */
  async restore(): Promise<void> {
    this.latest = undefined;
    const shown = this.editor;
    this.clear();
    if (!shown) {
      return;
    }
    if (this.before && !this.before.document.isClosed) {
      const editor = await vscode.window.showTextDocument(this.before.document, {
        ...(this.before.viewColumn !== undefined && { viewColumn: this.before.viewColumn }),
        preview: !this.openTabs.has(this.before.document.uri.toString()),
        ...(this.selection && { selection: this.selection }),
      });
      if (this.visible) {
        editor.revealRange(this.visible, vscode.TextEditorRevealType.AtTop);
      }
    }
    const left = tabs().filter((tab) => tab.isPreview && !this.openTabs.has(tab.input.uri.toString()));
    await vscode.window.tabGroups.close(left);
  }

  dispose(): void {
    this.latest = undefined;
    this.clear();
    this.whole.dispose();
    this.telling.dispose();
  }

  private clear(): void {
    this.editor?.setDecorations(this.whole, []);
    this.editor?.setDecorations(this.telling, []);
    this.editor = undefined;
  }
}

type TextTab = vscode.Tab & { input: vscode.TabInputText };

function tabs(): TextTab[] {
  const all = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  return all.filter((tab): tab is TextTab => tab.input instanceof vscode.TabInputText);
}
