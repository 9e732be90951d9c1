import type { Card, Column } from "../api/types";

export type Listener = (state: BoardState) => void;

export interface BoardState {
  columns: Column[];
  dirty: boolean;
}

/** Holds the board and tells listeners of each change. */
export class BoardStore {
  private listeners = new Set<Listener>();
  private history: BoardState[] = [];

  constructor(private state: BoardState) {}

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Move a card to another column, or within its own. */
  moveCard(id: string, target: string, position: number): void {
    const card = this.takeOut(id);
    this.change((state) => {
      state.columns.find((column) => column.id === target)?.cards.splice(position, 0, card);
    });
  }

  undo(): void {
    const last = this.history.pop();
    if (last) {
      this.state = last;
      this.notify();
    }
  }

  private takeOut(id: string): Card {
    for (const column of this.state.columns) {
      const index = column.cards.findIndex((card) => card.id === id);
      if (index >= 0) return column.cards.splice(index, 1)[0];
    }
    throw new Error(`no card ${id}`);
  }

  private change(apply: (state: BoardState) => void): void {
    this.history.push(structuredClone(this.state));
    apply(this.state);
    this.state.dirty = true;
    this.notify();
  }

  private notify(): void {
    for (const listener of this.listeners) listener(this.state);
  }
}
