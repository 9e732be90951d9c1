export interface Card {
  id: string;
  title: string;
  labels: string[];
  due?: string;
}

export interface Column {
  id: string;
  title: string;
  cards: Card[];
}

export interface Board {
  id: string;
  columns: Column[];
}
