/** Which calls are shown, in what order, and how many there are of what. No I/O. */

import { ISSUES, STATES, agentsOn, decoded, otherParty } from "./words.js";

/** @import {Json} from "../client/follower.js" */

/**
 * @typedef {object} Wanted What the table is narrowed to; empty = whatever.
 * @property {string} provider
 * @property {string} account `provider/account`.
 * @property {string} team
 * @property {string} agent A part of an agent's id.
 * @property {string[]} states
 * @property {string[]} issues
 * @property {string} text
 */

/** @typedef {{total: number, of: Record<string, number | null>}} Counts Of calls; null = not known. */

/** @returns {Wanted} */
export function anything() {
  return { provider: "", account: "", team: "", agent: "", states: [], issues: [], text: "" };
}

/** A call with what it is found and sorted by. */
export class Entry {
  /** @type {string | null} */
  #text = null;
  /** @type {Json[] | null} */
  #agents = null;

  /** @param {Json} call */
  constructor(call) {
    this.call = call;
    this.key = /** @type {string} */ (call.key);
    this.account = `${call.provider}/${call.account}`;
    this.state = /** @type {string} */ (call.recording.state);
    this.issues = /** @type {string[]} */ (call.issues.map((/** @type {Json} */ issue) => issue.type));
    const opened = call.issues.map((/** @type {Json} */ issue) => Date.parse(issue.opened_at));
    this.since = Date.parse(call.recording.since);
    this.rank = rankOf(this.state, opened.length > 0);
    /** It is over, or no longer to be seen. */
    this.gone = false;
    /** Within a rank, the oldest comes first. */
    this.order = opened.length ? Math.min(...opened) : this.since;
  }

  /** The parties who are agents and have not left. */
  get agents() {
    this.#agents ??= agentsOn(this.call);
    return this.#agents;
  }

  /** Everything that can be searched for. */
  get text() {
    if (this.#text === null) {
      const { call } = this;
      const people = this.agents.flatMap((party) => [party.agent, party.team, party.number]);
      const words = [decoded(call.key), otherParty(call), call.call.dnis, call.call.ani, ...people];
      this.#text = words.filter(Boolean).join(" ").toLowerCase();
    }
    return this.#text;
  }
}

/** @param {string} state @param {boolean} hasIssues */
function rankOf(state, hasIssues) {
  if (hasIssues) return 0;
  return { unknown: 1, paused: 2 }[state] ?? 3;
}

/**
 * What needs attention most comes first: issues, then unknown, then the longest pause.
 *
 * @param {Entry} one
 * @param {Entry} other
 */
export function byAttention(one, other) {
  return one.rank - other.rank || one.order - other.order || (one.key < other.key ? -1 : 1);
}

/** The live calls by key, and in the order of attention. */
export class Entries {
  /** @type {Map<string, Entry>} */
  #known = new Map();
  /** @type {Entry[]} */
  #ordered = [];
  /** @type {Entry[]} */
  #fresh = [];

  get size() {
    return this.#known.size;
  }

  /** @param {string} key */
  get(key) {
    return this.#known.get(key);
  }

  /** @param {Json} call */
  put(call) {
    const entry = new Entry(call);
    this.#known.set(entry.key, entry);
    this.#fresh.push(entry);
  }

  /** @param {string} key */
  drop(key) {
    const entry = this.#known.get(key);
    if (!entry) return;
    entry.gone = true;
    this.#known.delete(key);
  }

  clear() {
    for (const key of this.#known.keys()) this.drop(key);
  }

  /**
   * What needs attention first. Most calls stand where they stood: a sort that begins
   * with their order is done in a few steps for each.
   */
  order() {
    if (this.#fresh.length || this.#ordered.length !== this.#known.size) {
      const stays = (/** @type {Entry} */ entry) => this.#known.get(entry.key) === entry;
      this.#ordered = [...this.#ordered, ...this.#fresh].filter(stays).sort(byAttention);
      this.#fresh = [];
    }
    return this.#ordered;
  }
}

/**
 * Those of *entries* that are wanted, in their order, and how many there would be of each
 * state and issue if no state and no issue were chosen.
 *
 * @param {Iterable<Entry>} entries
 * @param {Wanted} wanted
 */
export function choose(entries, wanted) {
  const counts = zeros();
  const chosen = [];
  for (const entry of entries) {
    if (!belongs(entry, wanted)) continue;
    counts.total += 1;
    counts.of[entry.state] += 1;
    for (const issue of entry.issues) counts.of[issue] += 1;
    if (isChosen(entry, wanted)) chosen.push(entry);
  }
  return { chosen, counts };
}

/** @returns {{total: number, of: Record<string, number>}} */
export function zeros() {
  return { total: 0, of: Object.fromEntries([...STATES, ...ISSUES].map((word) => [word, 0])) };
}

/** @param {Entry} entry @param {Wanted} wanted */
function belongs(entry, wanted) {
  if (wanted.provider && entry.call.provider !== wanted.provider) return false;
  if (wanted.account && entry.account !== wanted.account) return false;
  if (wanted.text && !words(wanted.text).every((word) => entry.text.includes(word))) return false;
  if (!wanted.team && !wanted.agent) return true;
  const agent = wanted.agent.toLowerCase();
  return entry.agents.some(
    (party) => (!wanted.team || party.team === wanted.team) && party.agent.toLowerCase().includes(agent),
  );
}

/** @param {string} text */
function words(text) {
  return text.toLowerCase().split(/\s+/);
}

/** @param {Entry} entry @param {Wanted} wanted */
function isChosen({ state, issues }, wanted) {
  if (wanted.states.length && !wanted.states.includes(state)) return false;
  return !wanted.issues.length || issues.some((issue) => wanted.issues.includes(issue));
}
