import type { BoardState } from "./store";

/** Call `save` once no change has come for `delay` milliseconds. */
export function debounce<T extends unknown[]>(save: (...args: T) => void, delay: number): (...args: T) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => save(...args), delay);
  };
}

export function saveToLocalStorage(state: BoardState): void {
  localStorage.setItem("board", JSON.stringify(state));
}

export function restoreFromLocalStorage(): BoardState | null {
  const text = localStorage.getItem("board");
  return text ? (JSON.parse(text) as BoardState) : null;
}
