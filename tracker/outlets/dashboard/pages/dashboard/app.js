/** The dashboard: one page, its views, and what is always to be seen. */

import { bannerOf, connectedAs } from "./banner.js";
import { CallView } from "./call.js";
import { CallsView } from "./calls.js";
import { Desk } from "./desk.js";
import { byId, el, setText } from "./dom.js";
import { HealthView, SEE } from "./health.js";
import { formatPlace, parsePlace } from "./place.js";
import { closeQuestions } from "./question.js";
import { WebhookView } from "./webhook.js";
import { MANAGE, WebhooksView } from "./webhooks.js";

/** @import {Place} from "./place.js" */

/** @typedef {{title: string, element: HTMLElement, close(): void, go?(wanted: object): void}} View */

const desk = new Desk();
let list = formatPlace({});

/** @type {Record<string, {title: string, scope?: string, open: (place: Place) => View}>} A tab for each, but for who lacks its scope. */
const VIEWS = {
  calls: { title: "Calls", open: openCalls },
  platforms: { title: "Platforms", scope: SEE, open: () => new HealthView(desk) },
  webhooks: { title: "Webhooks", scope: MANAGE, open: ({ key }) => (key ? new WebhookView(desk, key) : new WebhooksView(desk)) },
};

/** @type {View | null} */
let view = null;

/** @param {Place} place @returns {View} */
function openCalls({ key, wanted }) {
  return /** @type {View} */ (key ? new CallView(desk, key, list) : new CallsView(desk, wanted));
}

function go() {
  closeQuestions();
  const place = parsePlace(location.hash);
  const name = place.view in VIEWS ? place.view : "calls";
  if (view instanceof CallsView) list = formatPlace({ wanted: view.wanted });
  if (view instanceof CallsView && name === "calls" && !place.key) {
    view.go(place.wanted);
    return;
  }
  view?.close();
  view = VIEWS[name].open(place);
  byId("main").replaceChildren(view.element);
  document.title = `${view.title} · tracker`;
  for (const tab of byId("tabs").children) {
    const current = tab.getAttribute("data-view") === name;
    if (current) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
}

/** Who came by a link or a key goes on from what is shown now. */
function move() {
  const before = view;
  go();
  if (view === before) return;
  if (view instanceof CallsView && before instanceof CallView) view.land(before.key);
  else byId("main").focus({ preventScroll: true });
}

function showTabs() {
  for (const tab of byId("tabs").children) {
    const { scope } = VIEWS[tab.getAttribute("data-view") ?? ""];
    tab.toggleAttribute("hidden", scope !== undefined && !desk.session.may(scope));
  }
}

function showStatus() {
  const { live, refused, current } = desk;
  const state = connectedAs(live, current, refused);
  const word = { live: "Live", late: "Not live", away: "Reconnecting", refused: "Signed out" }[state];
  byId("connection").className = `connection ${state}`;
  setText(byId("connection"), word);
  const said = bannerOf(state, live, refused, desk.now);
  byId("banner").hidden = !said;
  setText(byId("banner"), said);
  if (refused) askForToken(live.reason);
}

/** @param {string} [why] */
function askForToken(why = "") {
  if (document.querySelector("dialog.access")) return;
  const { session } = desk;
  const field = el("input", { type: "password", name: "token", autocomplete: "off", spellcheck: "false", required: true });
  const hint = "It is kept until this tab is closed, and sent nowhere but to this server.";
  const dialog = el(
    "dialog",
    { class: "question access", "aria-labelledby": "access-title" },
    el(
      "form",
      { method: "dialog" },
      el("h2", { id: "access-title" }, "Access token"),
      why && session.token && el("p", { class: "bad" }, why),
      el("label", {}, "Paste your access token", field),
      el("p", { class: "small muted" }, hint),
      el(
        "div",
        { class: "buttons" },
        session.token && !desk.refused && el("button", { type: "button", onclick: () => dialog.close("out") }, "Sign out"),
        el("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
        el("button", { value: "in", class: "primary" }, "Use it"),
      ),
    ),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (dialog.returnValue === "in") session.token = field.value.trim();
    if (dialog.returnValue === "out") session.token = null;
  });
  document.body.append(dialog);
  dialog.showModal();
  field.focus();
}

function start() {
  for (const [name, { title }] of Object.entries(VIEWS)) {
    byId("tabs").append(el("a", { href: formatPlace({ view: name }), "data-view": name }, title));
  }
  byId("access").addEventListener("click", () => askForToken());
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault(); // the part behind the # says where one is
    if (view instanceof CallsView) view.land();
    else byId("main").focus();
  });
  desk.session.addEventListener("change", () => {
    showTabs();
    go(); // what is shown was for the other token
  });
  desk.addEventListener("status", showStatus);
  desk.addEventListener("tick", showStatus);
  window.addEventListener("hashchange", move);
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLElement && event.target.matches("input, select, textarea");
    const search = document.querySelector("input[type=search]");
    if (event.key === "/" && !typing && search instanceof HTMLInputElement) {
      event.preventDefault();
      search.focus();
    }
  });
  showTabs();
  go();
  showStatus();
}

start();
