/** The client's protocol: cursors, messages, back-off, what a token tells. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { event, call, mark, snapshot, subscribed, token } from "./fakes.mjs";

const pages = process.env.PAGES;
const { Cursor, comparePlaces, parsePosition } = await import(`${pages}/client/cursor.js`);
const { Follower } = await import(`${pages}/client/follower.js`);
const { isFinal, pauseMs } = await import(`${pages}/client/backoff.js`);
const { mayHave, rightsOf } = await import(`${pages}/client/token.js`);
const { PositionLostError, ProblemError } = await import(`${pages}/client/errors.js`);

test("places compare as their outbox orders them", () => {
  const ordered = ["0-0", "9-0", "10-0", "10-2", "10-10.1", "10-10.2", "10-10", "11-0", "9007199254740993-0", "9007199254740994-0"];
  for (const [at, place] of ordered.entries()) {
    for (const [other, second] of ordered.entries()) {
      assert.equal(Math.sign(comparePlaces(place, second)), Math.sign(at - other), `${place} ${second}`);
    }
  }
});

test("a cursor moves on with an event's place, never back", () => {
  const cursor = Cursor.parse("e1~5-0~7-3");
  const next = cursor.advance(parsePosition("e1.1.8-0.1"));
  assert.equal(String(next), "e1~5-0~8-0.1");
  assert.equal(next.covers(parsePosition("e1.1.8-0.1")), true);
  assert.equal(next.covers(parsePosition("e1.1.8-0.2")), false);
  assert.equal(String(next.advance(parsePosition("e1.1.2-0"))), String(next));
});

test("what is no position and no cursor is refused", () => {
  for (const text of ["", "e1", "e1.0", "e1.0.5", "e1.0.5-", "e1.0.5-0.", "e 1.0.5-0"]) assert.throws(() => parsePosition(text), TypeError);
  for (const text of ["", "e1", "e1~", "e1~5", "e1~5-0~", "~5-0"]) assert.throws(() => Cursor.parse(text), TypeError);
});

test("what a server repeats is left out", () => {
  const follower = new Follower({}, { snapshot: true });
  follower.receive(subscribed(false));
  follower.receive(snapshot(call()));
  assert.equal(follower.receive(event("e1.0.5-0", call())), null);
  assert.equal(follower.receive(event("e1.0.6-0", call())).kind, "event");
  assert.equal(follower.receive(event("e1.0.6-0", call())), null);
  assert.equal(follower.subscribe().since, "e1~6-0~5-0");
});

test("a cursor before the answer is the server's place, not this client's", () => {
  const follower = new Follower({}, { since: "e1~5-0~5-0" });
  follower.subscribe();
  assert.equal(follower.receive(mark(true, "e1~9-0~9-0")), null);
  follower.receive(subscribed(true));
  assert.equal(follower.receive(event("e1.0.6-0", call())).kind, "event");
});

test("a snapshot that breaks off is begun anew", () => {
  const follower = new Follower({ agents: ["jdoe"] }, { snapshot: true, conflateMs: 250 });
  follower.receive(subscribed(false));
  follower.receive({ ...snapshot(call()), more: true });
  const again = follower.subscribe();
  assert.deepEqual(again, { op: "subscribe", id: "1", filter: { agents: ["jdoe"] }, snapshot: true, conflate_ms: 250 });
});

test("events without a snapshot begin at now or at a cursor, and are never skipped", () => {
  const follower = new Follower({});
  assert.equal("since" in follower.subscribe(), false);
  follower.receive(subscribed(false, "e1~1-0"));
  follower.receive(mark(true, "e1~3-0"));
  assert.equal(follower.subscribe().since, "e1~3-0");
  assert.throws(() => follower.receive(subscribed(false, "e2~9-0")), PositionLostError);
});

test("an error is a problem, and what is not known is passed over", () => {
  const follower = new Follower({});
  assert.throws(
    () => follower.receive({ op: "error", id: "1", status: 403, title: "Forbidden", detail: "no scope" }),
    (error) => error instanceof ProblemError && error.status === 403 && error.message === "no scope",
  );
  assert.equal(follower.receive({ op: "weather" }), null);
});

test("pauses double up to half a minute, and luck takes away up to half", () => {
  assert.deepEqual([1, 2, 3, 7, 90].map((failures) => pauseMs(failures, 1)), [500, 1000, 2000, 30_000, 30_000]);
  assert.equal(pauseMs(1, 0), 250);
  assert.deepEqual([4001, 4029, 4009, 4010].map((code) => pauseMs(1, 1, code)), [2000, 10_000, 0, 0]);
  assert.deepEqual([4029, 4009].map((code) => pauseMs(9, 1, code)), [30_000, 30_000]);
});

test("only 4500 to 4999 mean: do not come back", () => {
  assert.deepEqual([1000, 1006, 4001, 4009, 4499, 4500, 4503, 4999, 5000].filter(isFinal), [4500, 4503, 4999]);
});

test("a newer token with the same rights is told from one with others", () => {
  const old = token({ sub: "jdoe", scope: "calls:read", exp: 1 });
  assert.equal(rightsOf(token({ sub: "jdoe", scope: "calls:read", exp: 2, iat: 1 })), rightsOf(old));
  assert.notEqual(rightsOf(token({ sub: "jdoe", scope: "calls:read calls:control", exp: 1 })), rightsOf(old));
  assert.notEqual(rightsOf("opaque"), rightsOf("other"));
  assert.deepEqual([mayHave(old, "calls:read"), mayHave(old, "calls:control"), mayHave("opaque", "calls:control"), mayHave(null, "x")], [true, false, true, true]);
});
