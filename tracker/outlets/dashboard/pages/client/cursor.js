/**
 * Where an event is, and how far a reader has read.
 *
 * An event's id is its position, `<epoch>.<partition>.<place>`; a place is
 * `<ms>-<seq>`, or `<ms>-<seq>.<n>` for the n-th of several events of one change. A
 * cursor is `<epoch>~<place>~<place>…`, one place per partition: everything up to and
 * including each place has been read.
 */

const PLACE = "\\d{1,19}-\\d{1,19}(?:\\.\\d{1,6})?";
const EPOCH = "[0-9A-Za-z_-]{1,64}";
const POSITION = new RegExp(`^(${EPOCH})\\.(\\d{1,4})\\.(${PLACE})$`);
const CURSOR = new RegExp(`^${EPOCH}(?:~${PLACE})+$`);

/**
 * @typedef {object} Position Of one event, among all there ever were.
 * @property {string} epoch
 * @property {number} partition
 * @property {string} place
 */

/**
 * The position written as *text*.
 *
 * @param {string} text
 * @returns {Position}
 */
export function parsePosition(text) {
  const found = POSITION.exec(text);
  if (!found) throw new TypeError("not a position: <epoch>.<partition>.<ms>-<seq>[.<n>]");
  return { epoch: found[1], partition: Number(found[2]), place: found[3] };
}

/**
 * Negative when *one* comes before *other* in an outbox. Its parts have up to 64 bits.
 *
 * @param {string} one
 * @param {string} other
 */
export function comparePlaces(one, other) {
  const [ms, seq, fact] = one.split(/[-.]/);
  const [otherMs, otherSeq, otherFact] = other.split(/[-.]/);
  return compareDigits(ms, otherMs) || compareDigits(seq, otherSeq) || compareFacts(fact, otherFact);
}

/** @param {string} one @param {string} other */
function compareDigits(one, other) {
  if (one.length !== other.length) return one.length - other.length;
  return one < other ? -1 : Number(one > other);
}

/** @param {string | undefined} one @param {string | undefined} other */
function compareFacts(one, other) {
  if (one === other) return 0;
  if (one === undefined) return 1; // all of the change's events
  return other === undefined ? -1 : Number(one) - Number(other);
}

/** How far a reader of all partitions has read; never changes. */
export class Cursor {
  /**
   * @param {string} epoch
   * @param {readonly string[]} places The last one read, by partition.
   */
  constructor(epoch, places) {
    this.epoch = epoch;
    this.places = places;
  }

  /**
   * The cursor written as *text*.
   *
   * @param {string} text
   */
  static parse(text) {
    if (!CURSOR.test(text)) throw new TypeError("not a cursor: <epoch>~<ms>-<seq>~<ms>-<seq>…");
    const [epoch, ...places] = text.split("~");
    return new Cursor(epoch, places);
  }

  /**
   * Whether the event at *position* has been read.
   *
   * @param {Position} position
   */
  covers(position) {
    return comparePlaces(position.place, this.places[position.partition]) <= 0;
  }

  /**
   * The cursor when the event at *position* has been read as well.
   *
   * @param {Position} position
   */
  advance(position) {
    if (this.covers(position)) return this;
    const places = [...this.places];
    places[position.partition] = position.place;
    return new Cursor(this.epoch, places);
  }

  toString() {
    return [this.epoch, ...this.places].join("~");
  }
}
