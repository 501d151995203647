/** How things are said: states, issues, ages, names. */

/** @import {Json} from "../client/follower.js" */

export const STATES = ["recording", "paused", "stopped", "unknown"];

/** @type {Record<string, string>} */
export const STATE_WORDS = {
  recording: "Recording",
  paused: "Paused",
  stopped: "Not recording",
  unknown: "Unknown",
};

export const ISSUES = ["not_recording", "recorded_forbidden", "paused_long", "command_failed", "unseen"];

/** @type {Record<string, string>} */
export const ISSUE_WORDS = {
  not_recording: "Should be recorded",
  recorded_forbidden: "Must not be recorded",
  paused_long: "Paused for long",
  command_failed: "Command failed",
  unseen: "Unseen",
};

/** @type {Record<string, string>} */
export const UNKNOWN_WORDS = {
  not_reported: "the platform does not say",
  source_blind: "tracker cannot see the call",
  no_proof: "the platform proves nothing",
};

/** The same, where there is room for two words. @type {Record<string, string>} */
const NO_EVIDENCE = { not_reported: "not told", source_blind: "not seen", no_proof: "no proof" };

/** @type {Record<string, string>} */
export const PLATFORM_WORDS = {
  genesys: "Genesys",
  vonage_cc: "Vonage Contact Center",
  vonage_business: "Vonage Business",
  kazoo: "Kazoo",
};

/** Where there is little room. @type {Record<string, string>} */
export const SHORT_PLATFORMS = { ...PLATFORM_WORDS, vonage_cc: "Vonage CC", vonage_business: "Vonage Bus." };

export const ACTIONS = ["pause", "resume", "start", "stop"];

/** @type {Record<string, string>} */
export const ACTION_WORDS = { pause: "Pause", resume: "Resume", start: "Start", stop: "Stop" };

/** @type {Record<string, string>} */
export const REASON_WORDS = {
  payment: "Payment",
  personal_data: "Personal data",
  consent_withdrawn: "Consent withdrawn",
  other: "Other",
};

/** @type {Record<string, string>} */
export const STAGE_WORDS = {
  requested: "asked for",
  sent: "sent",
  accepted: "accepted, not yet seen",
  confirmed: "confirmed",
  unconfirmed: "not confirmed",
  contradicted: "contradicted",
  refused: "refused",
};

/**
 * *word* for people: `vonage_cc` as its name, an unknown one without underscores.
 *
 * @param {Record<string, string>} words
 * @param {string} word
 */
export function say(words, word) {
  return words[word] ?? word.replaceAll("_", " ");
}

/**
 * A stretch of time: `0:42`, `12:07`, `1:02:07`, `3 d`.
 *
 * @param {number} ms
 */
export function age(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s >= 86_400) return `${Math.floor(s / 86_400)} d`;
  const parts = [Math.floor(s / 60) % 60, s % 60];
  if (s >= 3600) parts.unshift(Math.floor(s / 3600));
  return parts.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}

/**
 * How big a file is: `15 KB`, `1.2 MB`.
 *
 * @param {number} bytes
 */
export function size(bytes) {
  if (bytes < 999_500) return `${Math.max(1, Math.round(bytes / 1e3))} KB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/**
 * A time of day, with its date unless it is today's by the server's clock *now*.
 *
 * @param {string | null | undefined} instant
 * @param {number} now
 */
export function time(instant, now) {
  if (!instant) return "–";
  const at = new Date(instant);
  const clock = at.toLocaleTimeString(undefined, { hourCycle: "h23" });
  const isToday = at.toDateString() === new Date(now).toDateString();
  return isToday ? clock : `${at.toLocaleDateString()} ${clock}`;
}

/**
 * A part of a key, for people.
 *
 * @param {string} part
 */
export function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The agents of a call who have not left. @param {Json} call @returns {Json[]} */
export function agentsOn(call) {
  return call.call.parties.filter((/** @type {Json} */ party) => party.agent && !party.left_at);
}

/** Who the call is with. @param {Json} call @returns {string} */
export function otherParty(call) {
  const { parties, type, ani, dnis } = call.call;
  const other = parties.find((/** @type {Json} */ party) => !party.agent && party.number);
  return other?.number ?? (type === "outbound" ? dnis : ani) ?? "";
}

/**
 * How the state is known, in few words: the platform told it, or it was found by looking.
 *
 * @param {Json} call
 */
export function evidence(call) {
  const { state, unknown_reason, observed_by, since_exact } = call.recording;
  if (state === "unknown") return NO_EVIDENCE[unknown_reason] ?? "";
  if (!observed_by) return "";
  return since_exact ? "notification" : "read";
}
