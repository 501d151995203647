/** A list of very many rows of one height, of which only those in sight exist. */

const SPARE = 6; // rows above and below what can be seen

/**
 * @template Item
 * @typedef {object} Rows How rows are made and filled.
 * @property {() => HTMLElement} make
 * @property {(row: HTMLElement, item: Item, index: number) => void} fill
 */

/** @template Item */
export class VirtualList {
  /** @type {HTMLElement[]} */
  #pool = [];
  #frame = 0;
  /** @type {readonly Item[]} */
  items = [];

  /**
   * @param {HTMLElement} viewport What scrolls.
   * @param {HTMLElement} space Inside it, as high as all rows together.
   * @param {number} rowHeight In CSS pixels.
   * @param {Rows<Item>} rows
   */
  constructor(viewport, space, rowHeight, rows) {
    this.viewport = viewport;
    this.space = space;
    this.rowHeight = rowHeight;
    this.rows = rows;
    viewport.addEventListener("scroll", () => this.#later(), { passive: true });
    this.resizing = new ResizeObserver(() => this.#later());
    this.resizing.observe(viewport);
  }

  /** @param {readonly Item[]} items */
  show(items) {
    this.items = items;
    this.space.style.height = `${items.length * this.rowHeight}px`;
    this.draw();
  }

  /** Fill the rows that can be seen. */
  draw() {
    const { viewport, rowHeight, items, rows } = this;
    const above = Math.max(0, viewport.scrollTop - this.space.offsetTop);
    const first = Math.max(0, Math.floor(above / rowHeight) - SPARE);
    const count = Math.ceil(viewport.clientHeight / rowHeight) + 2 * SPARE;
    const last = Math.min(items.length, first + count);
    this.#reserve(last - first);
    // a row keeps its element while it scrolls, whatever else comes into sight
    for (let index = first; index < last; index += 1) {
      const row = this.#pool[index % this.#pool.length];
      row.style.transform = `translateY(${index * rowHeight}px)`;
      rows.fill(row, items[index], index);
    }
  }

  /**
   * Scroll so that row *index* can be seen.
   *
   * @param {number} index
   */
  reveal(index) {
    const { viewport, rowHeight, space } = this;
    const top = space.offsetTop + index * rowHeight;
    const sticky = space.offsetTop;
    if (top - sticky < viewport.scrollTop) viewport.scrollTop = top - sticky;
    const bottom = top + rowHeight;
    if (bottom > viewport.scrollTop + viewport.clientHeight) {
      viewport.scrollTop = bottom - viewport.clientHeight;
    }
  }

  /** How many rows fit. */
  get page() {
    return Math.max(1, Math.floor(this.viewport.clientHeight / this.rowHeight) - 1);
  }

  close() {
    this.resizing.disconnect();
    cancelAnimationFrame(this.#frame);
  }

  /** @param {number} count */
  #reserve(count) {
    while (this.#pool.length > count) this.#pool.pop()?.remove();
    while (this.#pool.length < count) {
      const row = this.rows.make();
      this.#pool.push(row);
      this.space.append(row);
    }
  }

  #later() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.draw());
  }
}
