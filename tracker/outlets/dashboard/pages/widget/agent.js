/** What the light shows of one agent's calls. No I/O. */

import { isSettled } from "../client.js";

/** @import {LiveCalls} from "../client.js" */
/** @import {Json} from "../client/follower.js" */

/** @typedef {"recording" | "paused" | "stopped" | "unknown" | "none"} Light */

/**
 * @typedef {object} ShownCall
 * @property {string} key
 * @property {Light} state Unknown while nothing can be believed.
 * @property {number | null} since Of the state, in ms since 1970; null = not known.
 * @property {"active" | "held" | "ringing"} phase On the agent's own side.
 * @property {string} other Who it is with.
 * @property {string[]} actions Allowed now.
 * @property {Json | null} command The newest one, while it is open or has just ended.
 * @property {string | null} reason Why it is unknown.
 */

/**
 * @typedef {object} Shown
 * @property {Light} state Of what the agent talks on: the first active call, else none.
 * @property {boolean} current Whether what is shown may be believed.
 * @property {boolean} connected
 * @property {ShownCall[]} active
 * @property {ShownCall[]} held
 */

const RECENT_MS = 8_000;

/** What is shown when there is no agent. @type {Shown} */
export const NOBODY = { state: "none", current: false, connected: false, active: [], held: [] };

/**
 * @param {LiveCalls} live
 * @param {string} agent
 * @returns {Shown}
 */
export function shownOf(live, agent) {
  const { current, connected } = live;
  const calls = [...live.calls.values()]
    .map((call) => shownCall(call, agent, live))
    .filter((call) => call !== null)
    .sort((one, other) => order(one) - order(other) || (one.key < other.key ? -1 : 1));
  const held = calls.filter((call) => call.phase === "held");
  const active = calls.filter((call) => call.phase !== "held");
  const state = active[0]?.state ?? (current ? "none" : "unknown");
  return { state, current, connected, active, held };
}

/** Why nothing can be believed, when that is so. @param {{connected: boolean}} live */
export function doubtOf({ connected }) {
  return connected ? "not_current" : "not_connected";
}

/** @param {ShownCall} call */
function order({ phase }) {
  return ["active", "ringing", "held"].indexOf(phase);
}

/**
 * @param {Json} call
 * @param {string} agent
 * @param {LiveCalls} live
 * @returns {ShownCall | null} null = the agent is not on it.
 */
function shownCall(call, agent, live) {
  const party = call.call.parties.find((/** @type {Json} */ one) => one.agent === agent && !one.left_at);
  if (!party) return null;
  const { recording, command, key } = call;
  const { current } = live;
  const state = party.state ?? call.call.state;
  const other = call.call.parties.find((/** @type {Json} */ one) => one.agent !== agent && !one.left_at);
  const busy = command && !isSettled(command);
  const recent = command && (busy || live.now() - Date.parse(command.settled_at) < RECENT_MS);
  return {
    key,
    state: current ? recording.state : "unknown",
    since: current ? Date.parse(recording.since) : null,
    phase: state === "held" ? "held" : state === "active" ? "active" : "ringing",
    other: other?.agent ?? other?.number ?? call.call.ani ?? "",
    actions: current && !busy ? call.allowed_actions : [],
    command: recent ? command : null,
    reason: current ? recording.unknown_reason : doubtOf(live),
  };
}
