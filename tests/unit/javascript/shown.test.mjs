/** What is shown: the table's order and filters, its address, the agents' light. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { call, party } from "./fakes.mjs";

const pages = process.env.PAGES;
const { bannerOf, connectedAs } = await import(`${pages}/dashboard/banner.js`);
const { Entries, anything, choose } = await import(`${pages}/dashboard/attention.js`);
const { formatPlace, parsePlace } = await import(`${pages}/dashboard/place.js`);
const { lastOf, stretches } = await import(`${pages}/dashboard/timeline.js`);
const { shownOf } = await import(`${pages}/widget/agent.js`);
const { age, size } = await import(`${pages}/dashboard/words.js`);

const entry = (key, state, { since = "2026-01-01T12:00:00Z", issues = [], parties = [party("jdoe")] } = {}) =>
  call(`genesys/acme/${key}`, {
    recording: { state, since },
    issues: issues.map((type) => ({ type, opened_at: since })),
    call: { state: "active", type: "inbound", ani: "…4711", dnis: "15001", parties },
  });

const all = (calls) => {
  const entries = new Entries();
  for (const shown of calls) entries.put(shown);
  return entries;
};

const keys = (entries) => entries.map(({ call: shown }) => shown.key.split("/")[2]);

test("issues come first, then unknown, then the longest pause", () => {
  const entries = all([
    entry("on", "recording", { since: "2026-01-01T08:00:00Z" }),
    entry("short", "paused", { since: "2026-01-01T11:00:00Z" }),
    entry("long", "paused", { since: "2026-01-01T10:00:00Z" }),
    entry("blind", "unknown"),
    entry("issue", "stopped", { issues: ["not_recording"] }),
    entry("older", "paused", { issues: ["paused_long"], since: "2026-01-01T07:00:00Z" }),
  ]);
  assert.deepEqual(keys(choose(entries.order(), anything()).chosen), ["older", "issue", "blind", "long", "short", "on"]);
});

test("the order follows what changes, goes and comes back", () => {
  const entries = all([entry("a", "recording"), entry("b", "paused"), entry("c", "unknown")]);
  assert.deepEqual(keys(entries.order()), ["c", "b", "a"]);
  const left = entries.get("genesys/acme/b");
  entries.put(entry("a", "unknown", { issues: ["unseen"] }));
  entries.put(entry("d", "paused"));
  entries.drop("genesys/acme/b");
  assert.ok(left.gone);
  assert.deepEqual(keys(entries.order()), ["a", "c", "d"]);
  entries.drop("genesys/acme/d");
  assert.deepEqual(keys(entries.order()), ["a", "c"]);
  entries.drop("genesys/acme/c");
  entries.put(entry("c", "recording"));
  entries.put(entry("c", "paused"));
  assert.deepEqual([keys(entries.order()), entries.size], [["a", "c"], 2]);
  entries.clear();
  assert.deepEqual(entries.order(), []);
});

test("filters narrow, and counters count what states and issues leave open", () => {
  const entries = all([
    entry("a", "paused", { parties: [party("jdoe"), { agent: null, number: "…0815" }] }),
    entry("b", "recording", { parties: [party("mroe", { team: "billing" })] }),
    entry("c", "unknown", { issues: ["unseen"], parties: [party("jdoe", { left_at: "2026-01-01T12:00:00Z" }), party("mroe")] }),
  ]).order();
  const chosen = (wanted) => keys(choose(entries, { ...anything(), ...wanted }).chosen).sort();
  assert.deepEqual(chosen({ states: ["paused", "unknown"] }), ["a", "c"]);
  assert.deepEqual(chosen({ issues: ["unseen", "not_recording"] }), ["c"]);
  assert.deepEqual(chosen({ agent: "JD" }), ["a"]);
  assert.deepEqual(chosen({ team: "billing" }), ["b"]);
  assert.deepEqual(chosen({ team: "billing", agent: "jdoe" }), []);
  assert.deepEqual(chosen({ text: "0815 acme" }), ["a"]);
  assert.deepEqual(chosen({ provider: "kazoo" }), []);
  assert.deepEqual(chosen({ account: "genesys/acme" }), ["a", "b", "c"]);
  const { counts } = choose(entries, { ...anything(), states: ["paused"] });
  assert.deepEqual([counts.total, counts.of.paused, counts.of.recording, counts.of.unseen], [3, 1, 1, 1]);
});

test("an address holds the filters, or a call", () => {
  const wanted = { ...anything(), account: "genesys/acme", states: ["paused", "unknown"], text: "47 11" };
  const address = formatPlace({ wanted });
  assert.equal(address, "#/calls?account=genesys/acme&text=47+11&states=paused,unknown");
  assert.deepEqual(parsePlace(address), { view: "calls", key: "", wanted });
  assert.deepEqual(parsePlace("#/calls/genesys/a%2Fb/c1").key, "genesys/a%2Fb/c1");
  assert.deepEqual(parsePlace(""), { view: "calls", key: "", wanted: anything() });
});

test("the open stretch of a timeline lasts until now", () => {
  const timeline = {
    items: [{ state: "recording", from: "2026-01-01T12:00:00Z", to: "2026-01-01T12:00:10Z" }],
    open: { state: "paused", from: "2026-01-01T12:00:10Z" },
  };
  const now = Date.parse("2026-01-01T12:00:15Z");
  assert.deepEqual(stretches(timeline, now).map(({ state, from, to }) => [state, to - from]), [["recording", 10_000], ["paused", 5_000]]);
});

test("a small file is not shown as nothing", () => {
  assert.deepEqual([1, 15_400, 999_499, 999_500, 1_234_567].map(size), ["1 KB", "15 KB", "999 KB", "1.0 MB", "1.2 MB"]);
});

test("an ended call was until its end what its last stretch is", () => {
  assert.equal(lastOf({ items: [{ state: "paused" }, { state: "recording" }], open: null }), "recording");
  assert.equal(lastOf({ items: [{ state: "paused" }], open: { state: "recording" } }), "");
  assert.equal(lastOf({ items: [], open: null }), "");
});

test("ages are read as on a watch", () => {
  assert.deepEqual([-5, 42_000, 727_000, 3_727_000, 260_000_000].map(age), ["0:00", "0:42", "12:07", "1:02:07", "3 d"]);
});

const NOW = Date.parse("2026-01-01T12:00:00Z");

function lit(calls, current = true, connected = current) {
  const live = { calls: new Map(calls.map((one) => [one.key, one])), current, connected, now: () => NOW };
  return shownOf(live, "jdoe");
}

test("the light is that of the call the agent talks on; held calls are apart", () => {
  const held = call("genesys/acme/c1", { call: { state: "active", parties: [party("jdoe", { state: "held" })] } });
  const talking = call("genesys/acme/c2", { recording: { state: "paused", since: "2026-01-01T11:59:30Z" } });
  const left = call("genesys/acme/c3", { call: { state: "active", parties: [party("jdoe", { left_at: "2026-01-01T11:00:00Z" }), party("mroe")] } });
  const shown = lit([held, talking, left]);
  assert.equal(shown.state, "paused");
  assert.deepEqual(shown.active.map(({ key, since }) => [key, NOW - since]), [["genesys/acme/c2", 30_000]]);
  assert.deepEqual(shown.held.map(({ key, state }) => [key, state]), [["genesys/acme/c1", "recording"]]);
});

test("what may be out of date is unknown, and cannot be commanded", () => {
  const { state, active } = lit([call()], false);
  assert.deepEqual([state, active[0].state, active[0].since, active[0].actions], ["unknown", "unknown", null, []]);
  assert.equal(lit([], false).state, "unknown");
  assert.equal(lit([]).state, "none");
});

test("nobody is told of no connection while there is one", () => {
  const why = (...live) => lit([call()], ...live).active[0].reason;
  assert.deepEqual([why(false, false), why(false, true)], ["not_connected", "not_current"]);
});

test("a command under way leaves the state as it is seen, and offers nothing", () => {
  const open = call("genesys/acme/c1", { command: { action: "pause", stage: "accepted" } });
  assert.deepEqual([lit([open]).state, lit([open]).active[0].actions], ["recording", []]);
});

test("the banner tells a tracker that is behind from one that is not heard, and from a lost connection", () => {
  const now = Date.parse("2026-01-01T12:00:00Z");
  const said = (more) => {
    const live = { connected: true, live: true, reason: "", error: null, asOf: now, ...more };
    return bannerOf(connectedAs(live, false, false), live, false, now).split(". ")[0];
  };
  assert.equal(said({ live: false }), "tracker says that it is behind: no state is known for certain");
  assert.equal(said({}), "Nothing has been heard from tracker for a while: no state is known for certain");
  assert.equal(said({ connected: false, reason: "the connection is lost" }), "The connection is lost");
  assert.equal(said({ connected: false, reason: "closed with 4001" }), "The connection is lost: closed with 4001");
  assert.equal(said({ connected: false, reason: "no scope", error: new Error("no scope") }), "no scope");
});
