import { useRef, useState } from "react";

export interface DragHandlers {
  onPointerDown: (event: PointerEvent) => void;
  onPointerUp: (event: PointerEvent) => void;
}

/** Drag and drop of cards with a mouse or a finger. */
export function useDrag(onDrop: (x: number, y: number) => void): DragHandlers {
  const start = useRef<{ x: number; y: number } | null>(null);
  const [, setDragging] = useState(false);
  return {
    onPointerDown(event) {
      start.current = { x: event.clientX, y: event.clientY };
      setDragging(true);
    },
    onPointerUp(event) {
      setDragging(false);
      if (start.current) onDrop(event.clientX, event.clientY);
    },
  };
}
