/** The language server: finding it, starting it, asking it. */

import { homedir } from "node:os";
import * as vscode from "vscode";
import { LanguageClient, type LanguageClientOptions, State } from "vscode-languageclient/node";
import { askVersion, candidates, type Candidate, firstThatAnswers, report, surroundings } from "./discovery";
import { survivingNames } from "./present";
import {
  type Answer,
  SearchRequest,
  type SearchParams,
  SimilarRequest,
  type SimilarParams,
  type Status,
  StatusNotification,
} from "./protocol";

/** Why there is no server to ask. */
export type Trouble = "missing" | "failed";

const SECTION = "codesearch";

export class Server implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private starting: Promise<void> | undefined;
  /** Why there is no server, since it was last tried. A request does not try again; a person who asks for it does. */
  trouble: Trouble | undefined;
  private readonly statusEmitter = new vscode.EventEmitter<Status | Trouble | "starting">();
  /** Fires when the state of the index, or that of the server, changes. */
  readonly onStatus = this.statusEmitter.event;

  constructor(
    readonly log: vscode.OutputChannel,
    /** Shows an answer to a command of the server's own, such as that of a code lens. */
    private readonly show: (command: string, args: unknown[]) => boolean,
  ) {}

  /** Starts the server unless it runs. Never throws: what went wrong is shown. */
  async start(): Promise<void> {
    this.starting ??= this.findAndStart().finally(() => (this.starting = undefined));
    await this.starting;
  }

  async restart(): Promise<void> {
    this.trouble = undefined; // at once: what is asked from now on waits for the start
    await this.stop();
    await this.start();
  }

  async stop(): Promise<void> {
    await this.starting;
    const client = this.client;
    this.client = undefined;
    this.trouble = undefined;
    await client?.dispose().catch((error: unknown) => this.log.appendLine(`stopping: ${String(error)}`));
  }

  dispose(): void {
    void this.stop();
    this.statusEmitter.dispose();
  }

  search(params: SearchParams, token: vscode.CancellationToken): Promise<Answer> {
    return this.ask((client) => client.sendRequest(SearchRequest, params, token));
  }

  similar(params: SimilarParams, token: vscode.CancellationToken): Promise<Answer> {
    return this.ask((client) => client.sendRequest(SimilarRequest, params, token));
  }

  /** Brings the indexes of all folders up to date. */
  reindex(): Promise<unknown> {
    return this.execute("codesearch.reindex");
  }

  async status(): Promise<Status> {
    return (await this.execute("codesearch.status")) as Status;
  }

  private execute(command: string): Promise<unknown> {
    return this.ask((client) => client.sendRequest("workspace/executeCommand", { command, arguments: [] }));
  }

  private async ask<T>(request: (client: LanguageClient) => Promise<T>): Promise<T> {
    if (!this.trouble) {
      await this.start();
    }
    if (!this.client || this.trouble) {
      throw new Error("the server is not running: click on Codesearch in the status bar");
    }
    return request(this.client);
  }

  private async findAndStart(): Promise<void> {
    if (this.client) {
      return;
    }
    this.trouble = undefined;
    this.statusEmitter.fire("starting");
    const folders = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
    const setting = vscode.workspace.getConfiguration(SECTION).get<string | string[]>("server.path", "");
    const python = await chosenInterpreter();
    const around = surroundings({ setting, folders, trusted: vscode.workspace.isTrusted, ...(python && { python }) });
    const found = await firstThatAnswers(candidates(around), askVersion);
    if ("tried" in found) {
      this.log.appendLine(report(found));
      this.fail("missing");
      void sayMissing(this, setting.length > 0 ? report(found) : "");
      return;
    }
    const command = [found.candidate.command, ...found.candidate.args].join(" ");
    this.log.appendLine(`codesearch ${found.version} from ${found.candidate.origin}: ${command}`);
    await this.connect(found.candidate);
  }

  private async connect({ command, args }: Candidate): Promise<void> {
    // Not started in the workspace: nothing that lies there may be imported or run by accident.
    const executable = { command, args: [...args, "lsp"], options: { cwd: homedir() } };
    const client = new LanguageClient(SECTION, "Codesearch", executable, this.clientOptions());
    client.onNotification(StatusNotification, (status) => this.statusEmitter.fire(status));
    client.onDidChangeState(({ newState }) => {
      if (this.client !== client) {
        return;
      }
      if (newState === State.Stopped) {
        this.fail("failed"); // the client starts it again, but for a server that crashes time and again
      } else if (newState === State.Running) {
        this.trouble = undefined;
        this.showStatus();
      }
    });
    try {
      await client.start();
    } catch (error) {
      this.log.appendLine(`the server could not be started: ${String(error)}`);
      this.fail("failed");
      void sayFailed(this, error);
      return;
    }
    this.client = client;
    this.showStatus();
  }

  private fail(trouble: Trouble): void {
    this.trouble = trouble;
    this.statusEmitter.fire(trouble);
  }

  /** Not awaited while the server is being started: a request waits for the start. */
  private showStatus(): void {
    void this.status().then(
      (status) => this.statusEmitter.fire(status),
      (error: unknown) => this.log.appendLine(`no state of the index: ${String(error)}`),
    );
  }

  private clientOptions(): LanguageClientOptions {
    const { server: _server, trace: _trace, ...options } = {
      ...vscode.workspace.getConfiguration().get<Record<string, unknown>>(SECTION, {}),
    };
    return {
      documentSelector: [{ scheme: "file" }, { scheme: "untitled" }],
      initializationOptions: options,
      synchronize: { configurationSection: SECTION },
      outputChannel: this.log,
      middleware: {
        executeCommand: async (command, args, next) =>
          this.show(command, args) ? undefined : ((await next(command, args)) as unknown),
        provideWorkspaceSymbols: async (typed, token, next) => {
          const symbols = (await next(typed, token)) ?? [];
          const names = survivingNames(symbols.map(({ name }) => name), typed);
          symbols.forEach((symbol, rank) => (symbol.name = names[rank] ?? symbol.name));
          return symbols;
        },
      },
    };
  }
}

/** The interpreter that Microsoft's Python extension has chosen for the workspace. */
async function chosenInterpreter(): Promise<string | undefined> {
  const extension = vscode.extensions.getExtension<PythonExtension>("ms-python.python");
  try {
    const environments = (await extension?.activate())?.environments;
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    const chosen = environments && (await environments.resolveEnvironment(environments.getActiveEnvironmentPath(folder)));
    return chosen?.executable.uri?.fsPath;
  } catch {
    return undefined; // whatever ails the other extension, there are further places to look at
  }
}

/** The part of that extension's interface that is used here. */
interface PythonExtension {
  environments: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { path: string };
    resolveEnvironment(path: { path: string }): Promise<{ executable: { uri?: vscode.Uri } } | undefined>;
  };
}

/** Says that there is no server, and what can be done. */
export async function sayMissing(server: Server, detail: string): Promise<void> {
  const text = detail
    ? `Codesearch could not be started as the setting says. ${detail}`
    : "The program codesearch was not found. Install it into the environment of this workspace or for yourself " +
      "(pipx install codesearch-nl), or say in the settings where it is.";
  const choice = await vscode.window.showErrorMessage(text, "Open Settings", "Try Again", "Show Log");
  await act(server, choice);
}

async function sayFailed(server: Server, error: unknown): Promise<void> {
  const text = `The server of Codesearch could not be started: ${error instanceof Error ? error.message : String(error)}`;
  await act(server, await vscode.window.showErrorMessage(text, "Try Again", "Open Settings", "Show Log"));
}

async function act(server: Server, choice: string | undefined): Promise<void> {
  if (choice === "Open Settings") {
    await vscode.commands.executeCommand("workbench.action.openSettings", "codesearch.server.path");
  } else if (choice === "Try Again") {
    await server.restart();
  } else if (choice === "Show Log") {
    server.log.show();
  }
}
