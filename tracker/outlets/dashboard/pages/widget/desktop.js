/** What a page does with the light: shows it, hears of every change, acts on it. */

import { Tracker } from "../client.js";

const SHOWN = 8;

/** @param {string} id */
const byId = (id) => /** @type {any} */ (document.getElementById(id));

const light = byId("light");
const choice = byId("agent");
const wanted = new URLSearchParams(location.hash.slice(1)).get("agent") ?? "";
let told = "";
const token = () => byId("token").value.trim() || null;

/** Offer the agents who are on a call now; the first one is chosen. */
function offer() {
  const live = new Tracker({ token }).calls({}, { conflateMs: 1000 });
  const known = new Set(wanted ? [wanted] : []);
  const show = () => {
    const names = [...live.calls.values()].flatMap((call) => call.call.parties.map((/** @type {any} */ party) => party.agent));
    for (const name of names) if (name) known.add(name);
    if (known.size === choice.options.length) return;
    const had = choice.value || wanted;
    choice.replaceChildren(...[...known].sort().map((name) => new Option(name, name, false, name === had)));
    follow();
  };
  live.addEventListener("reset", show);
  live.addEventListener("change", show);
  live.addEventListener("status", () => (byId("access").hidden &&= !live.wantsToken));
}

function follow() {
  if (light.getAttribute("agent") !== choice.value) light.setAttribute("agent", choice.value);
}

light.token = token;
light.addEventListener("recordingstatechange", (/** @type {CustomEvent} */ { detail }) => {
  const paused = detail.state === "paused";
  byId("payment").querySelector("fieldset").disabled = !paused;
  byId("may").textContent = paused
    ? "The recording is paused."
    : "Pause the recording before the customer reads out a card's number.";
  if (detail.state === told) return;
  told = detail.state;
  const said = document.createElement("li");
  said.textContent = `${new Date().toLocaleTimeString()}  ${detail.state}${detail.held.length ? `, ${detail.held.length} on hold` : ""}`;
  byId("told").querySelector(".muted")?.remove();
  byId("told").prepend(said);
  while (byId("told").children.length > SHOWN) byId("told").lastElementChild.remove();
});

choice.addEventListener("change", follow);
byId("access").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  light.token = token;
  offer();
});
offer();
