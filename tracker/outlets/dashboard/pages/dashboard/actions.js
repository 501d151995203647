/** Commands from this page: what may be asked for, the question before, the stages after. */

import { ProblemError, isSettled } from "../client.js";
import { el } from "./dom.js";
import { notice } from "./notices.js";
import { asked } from "./question.js";
import { ACTIONS, ACTION_WORDS, REASON_WORDS, STAGE_WORDS, agentsOn, say } from "./words.js";

/** @import {Json} from "../client/follower.js" */
/** @import {Desk} from "./desk.js" */

const RECENT_MS = 15_000;
const PCI = "Pausing a recording does not by itself make a call PCI compliant.";

/**
 * The actions that make sense now and that who looks may ask for.
 *
 * @param {Desk} desk
 * @param {Json} call
 * @returns {string[]}
 */
export function actionsOf(desk, call) {
  if (!desk.current || !desk.session.may("calls:control") || call.call.state === "ended") return [];
  if (call.command && !isSettled(call.command)) return [];
  return ACTIONS.filter((action) => call.allowed_actions.includes(action));
}

/**
 * Ask for *action*, after a question unless it only puts back what was.
 *
 * @param {Desk} desk
 * @param {Json} call
 * @param {string} action
 */
export async function act(desk, call, action) {
  const said = action === "resume" ? {} : await question(call, action);
  if (said === null) return;
  const word = say(ACTION_WORDS, action);
  try {
    const command = await desk.live.command(call.key, /** @type {any} */ (action), said);
    const good = command.stage === "confirmed";
    const why = command.problem ? `: ${command.problem}` : "";
    notice(`${word} ${say(STAGE_WORDS, command.stage)}${why}`, good ? "good" : "bad");
  } catch (error) {
    notice(`${word}: ${reasonOf(error)}`, "bad");
  }
}

/** @param {unknown} error */
function reasonOf(error) {
  if (error instanceof ProblemError && error.problem.type?.endsWith("command-open")) {
    return "another command is under way on this call";
  }
  return error instanceof Error ? error.message : String(error);
}

/**
 * What is to be said about a command; null = it is not wanted.
 *
 * @param {Json} call
 * @param {string} action
 * @returns {Promise<Json | null>}
 */
async function question(call, action) {
  const word = say(ACTION_WORDS, action);
  const agents = agentsOn(call).map((party) => party.agent);
  const reason = select("Reason", [["", "None"], ...Object.entries(REASON_WORDS)], action === "pause" ? "payment" : "");
  const agent = select("On the recording of", [["", "everybody on the call"], ...agents.map((id) => [id, id])], "");
  const content = [
    el("p", { class: "muted" }, agents.join(", ") || "Nobody is named on this call"),
    reason.label,
    agents.length > 1 && agent.label,
    action === "pause" && el("p", { class: "small muted" }, PCI),
  ];
  const yes = await asked(`${word} the recording?`, word, "primary", ...content);
  return yes ? { reason: reason.select.value || undefined, agent: agent.select.value || undefined } : null;
}

/** @param {string} name @param {string[][]} choices @param {string} chosen */
function select(name, choices, chosen) {
  const options = choices.map(([value, word]) => el("option", { value, selected: value === chosen }, word));
  const made = el("select", {}, ...options);
  return { select: made, label: el("label", {}, name, made) };
}

/**
 * How far a call's newest command has come, while anybody may want to know.
 *
 * @param {Json} call
 * @param {number} now
 * @returns {{text: string, mood: string}}
 */
export function commandShown({ command }, now) {
  const over = command && isSettled(command);
  if (!command || (over && now - Date.parse(command.settled_at) > RECENT_MS)) return { text: "", mood: "" };
  const mood = command.stage === "confirmed" ? "good" : over ? "bad" : "open";
  return { text: `${say(ACTION_WORDS, command.action)} ${say(STAGE_WORDS, command.stage)}`, mood };
}
