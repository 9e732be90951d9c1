import { BoardStore } from "../src/state/store";

describe("BoardStore", () => {
  it("moves a card to another column", () => {
    const store = new BoardStore({ columns: [], dirty: false });
    expect(() => store.moveCard("a", "b", 0)).toThrow();
  });

  it("undoes the last move", () => {});
});
