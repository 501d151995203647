/** Lists that are shown anew while somebody is in them: what has the focus stays. */

/**
 * One of a list, as it is shown.
 *
 * @template Item
 * @typedef {{element: HTMLElement, fill(item: Item): void}} Row
 */

/** @template Item */
export class KeyedList {
  /** @type {Map<string, Row<Item>>} */
  #rows = new Map();

  /**
   * @param {HTMLElement} parent
   * @param {(item: Item) => string} keyOf
   * @param {(item: Item) => Row<Item>} make
   */
  constructor(parent, keyOf, make) {
    this.parent = parent;
    this.keyOf = keyOf;
    this.make = make;
  }

  /** Have a row for each of *items*, in their order. @param {Item[]} items */
  show(items) {
    const focused = this.parent.querySelector(":focus");
    const keys = new Set(items.map(this.keyOf));
    for (const [key, { element }] of this.#rows) {
      if (keys.has(key)) continue;
      element.remove();
      this.#rows.delete(key);
    }
    items.forEach((item, index) => {
      const key = this.keyOf(item);
      const row = this.#rows.get(key) ?? this.make(item);
      this.#rows.set(key, row);
      row.fill(item);
      const there = this.parent.children[index] ?? null;
      if (there !== row.element) this.parent.insertBefore(row.element, there);
    });
    if (focused instanceof HTMLElement && focused.isConnected) focused.focus({ preventScroll: true }); // it may have been moved
  }
}
