import type { Board } from "./types";

export class ApiError extends Error {
  constructor(public status: number, message: string) {
    super(message);
  }
}

export async function fetchBoard(id: string, signal?: AbortSignal): Promise<Board> {
  return request<Board>(`/boards/${id}`, { signal });
}

export async function deleteBoard(id: string): Promise<void> {
  await request(`/boards/${id}`, { method: "DELETE" });
}

async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(`/api${path}`, { ...init, headers: { "X-CSRF-Token": csrfToken() } });
  if (!response.ok) throw new ApiError(response.status, await response.text());
  return (await response.json()) as T;
}

function csrfToken(): string {
  return document.cookie.match(/csrf=([^;]+)/)?.[1] ?? "";
}

/** Keep a websocket open and reconnect with growing pauses. */
export function listen(url: string, onMessage: (data: unknown) => void): () => void {
  let closed = false;
  let pause = 500;
  const connect = () => {
    const socket = new WebSocket(url);
    socket.onmessage = (event) => onMessage(JSON.parse(event.data));
    socket.onopen = () => (pause = 500);
    socket.onclose = () => {
      if (!closed) setTimeout(connect, (pause = Math.min(pause * 2, 30_000)));
    };
  };
  connect();
  return () => {
    closed = true;
  };
}
