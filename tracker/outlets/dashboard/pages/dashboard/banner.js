/** What stands above every view while it may not be believed. */

import { time } from "./words.js";

/** @typedef {{connected: boolean, live: boolean, reason: string, error: Error | null, asOf: number}} Told Of the live map. */
/** @typedef {"live" | "late" | "away" | "refused"} Connected */

const LOST = "the connection is lost";

/**
 * @param {Told} live
 * @param {boolean} current
 * @param {boolean} refused
 * @returns {Connected}
 */
export function connectedAs(live, current, refused) {
  if (current) return "live";
  if (live.connected) return "late";
  return refused || live.error ? "refused" : "away";
}

/**
 * Empty = nothing is to be said.
 *
 * @param {Connected} state
 * @param {Told} live
 * @param {boolean} refused An access token is asked for, which says enough.
 * @param {number} now By the server's clock.
 */
export function bannerOf(state, live, refused, now) {
  const first = live.asOf === 0;
  const asOf = first ? "" : ` What is shown is of ${time(new Date(live.asOf).toISOString(), now)}, and may be wrong by now.`;
  switch (state) {
    case "live":
      return "";
    case "late":
      return first ? "" : `${late(live)}: no state is known for certain.${asOf}`;
    case "away":
      return first && live.reason === "connecting" ? "" : `The connection is lost${live.reason === LOST ? "" : `: ${live.reason}`}.${asOf}`;
    case "refused":
      return refused ? "" : `${live.reason}.${asOf}`;
  }
}

/** The server has said so, or it has said nothing. @param {Told} live */
function late({ live }) {
  return live ? "Nothing has been heard from tracker for a while" : "tracker says that it is behind";
}
