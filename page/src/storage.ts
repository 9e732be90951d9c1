// What this browser remembers: the token, the theme, the last questions. A browser that forbids it forgets.

type Key = "token" | "theme" | "questions";

const MOST_QUESTIONS = 30;
const memory = new Map<Key, string>();

export function readStored(key: Key, otherwise: string): string {
  try {
    return localStorage.getItem(`codesearch.${key}`) ?? otherwise;
  } catch {
    return memory.get(key) ?? otherwise;
  }
}

export function store(key: Key, value: string): void {
  memory.set(key, value);
  try {
    if (value) localStorage.setItem(`codesearch.${key}`, value);
    else localStorage.removeItem(`codesearch.${key}`);
  } catch {
    // remembered until the page is left
  }
}

export function questions(): string[] {
  try {
    const held: unknown = JSON.parse(readStored("questions", "[]"));
    return Array.isArray(held) ? held.filter((one): one is string => typeof one === "string") : [];
  } catch {
    return [];
  }
}

export function remember(question: string): void {
  const text = question.trim();
  if (!text || text.length > 500) return;
  // Another tab may have added some: what is stored is read anew.
  const others = questions().filter((one) => one !== text);
  store("questions", JSON.stringify([text, ...others].slice(0, MOST_QUESTIONS)));
}

export function forgetQuestions(): void {
  store("questions", "");
}
