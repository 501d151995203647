/** How a webhook endpoint is said: its state, what it is sent, how it goes. No I/O. */

import { age, say, time } from "./words.js";

/** @import {Json} from "../client/follower.js" */

/** @type {Record<string, string>} */
const WHY_WORDS = {
  asked: "somebody wanted it",
  gone: "it answered 410, it is gone",
  failing: "it took nothing for days",
};

/** @type {Record<string, string>} */
const FILTER_WORDS = {
  providers: "platforms",
  accounts: "accounts",
  teams: "teams",
  agents: "agents",
  calls: "calls",
  states: "states",
  types: "events",
  issues: "issues",
};

const LATE_MS = 10_000; // longer than the first repetition takes
const NAMED = 4; // of a field that names more, their number is said

/** Its name for people. @param {Json} endpoint @returns {string} */
export function nameOf({ url, description }) {
  return description || url;
}

/**
 * Its state as a word and a look; one that is behind is enabled all the same.
 *
 * @param {Json} endpoint
 * @param {number} now
 */
export function stateOf({ disabled, oldest_owed_at }, now) {
  if (disabled) return { word: "Disabled", look: disabled.why === "asked" ? "off" : "down" };
  const isLate = oldest_owed_at && now - Date.parse(oldest_owed_at) > LATE_MS;
  return isLate ? { word: "Behind", look: "late" } : { word: "Enabled", look: "up" };
}

/** Why it is disabled. @param {Json} endpoint @param {number} now */
export function whyDisabled({ disabled }, now) {
  if (!disabled) return "";
  const by = disabled.by ? `, by ${disabled.by}` : "";
  return `since ${time(disabled.at, now)}: ${say(WHY_WORDS, disabled.why)}${by}`;
}

/**
 * What it is sent, in words.
 *
 * @param {Json} endpoint
 */
export function filterOf({ filter }) {
  const named = Object.entries(filter).filter(([, values]) => values?.length);
  const said = named.map(([name, values]) => `${say(FILTER_WORDS, name)}: ${list(values)}`);
  return said.join("; ") || "every event";
}

/** @param {string[]} values */
function list(values) {
  const more = values.length - NAMED;
  const shown = [...values].sort().slice(0, NAMED).map((value) => value.replace(/^tracker\./, ""));
  return shown.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** How long the oldest delivery has been owed, and why. @param {Json} endpoint @param {number} now */
export function oldestOf({ oldest_owed_at, oldest_owed_error }, now) {
  if (!oldest_owed_at) return "–";
  const owed = age(now - Date.parse(oldest_owed_at));
  return oldest_owed_error ? `${owed}: ${oldest_owed_error}` : owed;
}

/** Of the attempts of the last day; never rounded up to all. @param {Json} endpoint */
export function successOf({ succeeded, failed }) {
  const all = succeeded + failed;
  if (!all) return "no attempts";
  return `${Math.floor((succeeded / all) * 1000) / 10} % of ${all.toLocaleString()}`;
}

/**
 * Those that want somebody come first: what tracker disabled, then the longest owed.
 *
 * @param {Json} one
 * @param {Json} other
 */
export function byAttention(one, other) {
  return rank(one) - rank(other) || oldest(one) - oldest(other) || (one.id < other.id ? -1 : 1);
}

/** @param {Json} endpoint */
function rank({ disabled }) {
  if (!disabled) return 1;
  return disabled.why === "asked" ? 2 : 0;
}

/** @param {Json} endpoint */
function oldest({ oldest_owed_at }) {
  return oldest_owed_at ? Date.parse(oldest_owed_at) : Number.MAX_SAFE_INTEGER;
}
