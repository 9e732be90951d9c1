import { x } from "y";

/** How a thing is named. */
export type Name = string | null;

/**
 * What can be stored.
 */
export interface Storable<T> extends Base {
  id: number;
  /** Writes it down. */
  save(into: Store<T>): Promise<void>;
  load(): T;
}

export enum Color {
  Red = "red",
  Blue = "blue",
}

/** Reads a number. */
function read(text: string): number;
function read(text: string, base: number): number;
function read(text: string, base = 10): number {
  return parseInt(text, base);
}

export namespace Geometry {
  export abstract class Shape {
    constructor(private readonly sides: number) {}

    /** Square units. */
    abstract area(): number;

    @cached()
    public perimeter<T extends number>(scale: T): number {
      return this.sides * scale;
    }

    private handler = (e: Event): void => {
      e.preventDefault();
    };
  }
}

/** Declared elsewhere. */
declare function external(a: string): void;

declare module "plain" {
  export function undocumented(): void;
}

export const compose = <A, B>(f: (a: A) => B) => (a: A): B => f(a);

class Broken {
  method( { return 1; }
}

export function afterTheError(): boolean {
  return true;
}
