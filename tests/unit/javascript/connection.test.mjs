/** The client's connection: it comes back as the close code says, and shows its token. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { FakeSocket, call, event, mark, settle, snapshot, subscribed, token } from "./fakes.mjs";

const { RefusedError, Tracker, UnansweredError, ProblemError, PositionLostError } = await import(`${process.env.PAGES}/client.js`);

const surroundings = { WebSocket: FakeSocket, random: () => 0 };
const tracker = (given = {}) => new Tracker({ url: "https://tracker.example/below", surroundings, ...given });

beforeEach((t) => {
  FakeSocket.all = [];
  t.mock?.timers.reset();
});

const clocked = (name, body) =>
  test(name, async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: Date.parse("2026-01-01T12:00:00Z") });
    await body((ms) => (t.mock.timers.tick(ms), settle()));
  });

async function begun(live, ...calls) {
  await settle();
  FakeSocket.last.open();
  FakeSocket.last.say(subscribed(false), snapshot(...calls), mark(true));
  return FakeSocket.last;
}

clocked("the token is in the first frame, never in the address", async () => {
  const live = tracker({ token: async () => "secret" }).calls({ agents: ["jdoe"] });
  const socket = await begun(live, call());
  assert.equal(socket.url, "wss://tracker.example/below/v1/stream");
  assert.deepEqual(socket.protocols, ["tracker.v1"]);
  assert.deepEqual(socket.sent.map((frame) => frame.op), ["auth", "subscribe"]);
  assert.equal(live.current, true);
  live.close();
});

clocked("it comes back later and later, and resumes by cursor", async (tick) => {
  const live = tracker().calls();
  const socket = await begun(live, call());
  socket.say(event("e1.0.6-0", call("genesys/acme/c1", { version: 2 })));
  socket.end(4001, "going away");
  assert.deepEqual([live.connected, live.reason], [false, "going away"]);
  for (const pause of [1000, 500, 1000]) {
    await tick(pause - 1);
    const before = FakeSocket.all.length;
    await tick(1);
    assert.equal(FakeSocket.all.length, before + 1);
    FakeSocket.last.end(1006);
  }
  await tick(2000);
  FakeSocket.last.open();
  assert.equal(FakeSocket.last.asked("subscribe")[0].since, "e1~6-0~5-0");
  FakeSocket.last.say(subscribed(true));
  assert.equal(live.connected, true);
  live.close();
});

clocked("4500 and above end it", async (tick) => {
  const live = tracker().calls();
  await settle();
  FakeSocket.last.open();
  FakeSocket.last.end(4503, "no access token");
  assert.ok(live.error instanceof RefusedError && live.error.code === 4503 && live.wantsToken);
  await tick(60_000);
  assert.equal(FakeSocket.all.length, 1);
});

clocked("a token is renewed on the open socket, before it expires", async (tick) => {
  let number = 0;
  const live = tracker({ token: () => token({ sub: "jdoe", exp: ++number }) }).calls();
  const socket = await begun(live, call());
  socket.say({ op: "result", of: "auth", expires_at: "2026-01-01T12:10:00Z" });
  for (let s = 0; s < 530; s += 10) {
    await tick(10_000);
    socket.say(mark(true));
  }
  await tick(9_999);
  assert.equal(socket.asked("auth").length, 1);
  await tick(1);
  assert.equal(socket.asked("auth").length, 2);
  assert.equal(FakeSocket.all.length, 1);
  live.close();
});

clocked("an expired token waits for another one", async (tick) => {
  let held = "old";
  const live = tracker({ token: () => held }).calls();
  (await begun(live, call())).end(4009, "the access token has expired");
  await tick(250);
  assert.equal(FakeSocket.all.length, 1);
  assert.equal(live.wantsToken, true);
  held = "new";
  await tick(500);
  assert.equal(FakeSocket.all.length, 2);
  FakeSocket.last.open();
  assert.equal(FakeSocket.last.asked("auth")[0].token, "new");
  live.close();
});

clocked("a token that is not good is asked for once more", async (tick) => {
  const live = tracker({ token: () => "bad" }).calls();
  await settle();
  FakeSocket.last.open();
  FakeSocket.last.end(4503, "the access token is not valid");
  assert.equal(live.error, null);
  await tick(250);
  assert.equal(live.error.message, "the access token is not valid");
});

clocked("no token at all is shown as none, and refused", async () => {
  for (const given of [undefined, null]) {
    const live = tracker({ token: () => given }).calls();
    await settle();
    FakeSocket.last.open();
    assert.deepEqual(FakeSocket.last.asked("auth"), []);
    FakeSocket.last.end(4503, "no access token");
    assert.equal(live.error.message, "no access token");
    FakeSocket.all = [];
  }
});

clocked("other rights begin with a fresh snapshot", async (tick) => {
  const live = tracker().calls();
  (await begun(live, call())).end(4010, "the token allows other things");
  await tick(250);
  FakeSocket.last.open();
  assert.equal("since" in FakeSocket.last.asked("subscribe")[0], false);
  live.close();
});

clocked("a peer that says nothing is given up", async (tick) => {
  const live = tracker().calls();
  const socket = await begun(live, call());
  for (let s = 0; s < 20; s += 5) await tick(5_000);
  assert.equal(socket.asked("ping").length, 1);
  assert.equal(live.current, false);
  await tick(5_000);
  await tick(5_000);
  assert.equal(live.reason, "the server says nothing");
  live.close();
});

clocked("nothing counts as current for longer than the grace", async (tick) => {
  const live = tracker().calls({}, { graceMs: 4_000 });
  const told = [];
  live.addEventListener("status", () => told.push(live.current));
  const socket = await begun(live, call());
  assert.equal(live.current, true);
  socket.end(1006);
  await tick(3_999);
  assert.equal(live.current, true);
  await tick(1);
  assert.deepEqual([live.current, told.at(-1)], [false, false]);
  FakeSocket.last.open();
  FakeSocket.last.say(subscribed(true));
  assert.equal(live.current, false);
  FakeSocket.last.say(mark(true));
  assert.equal(live.current, true);
  FakeSocket.last.say(mark(false));
  assert.equal(live.current, false);
  live.close();
});

clocked("the map keeps what is, and lets go of what is not", async () => {
  const live = tracker().calls();
  const changes = [];
  live.addEventListener("change", ({ detail }) => changes.push([detail.key, detail.entity?.version ?? null]));
  const socket = await begun(live, call("genesys/acme/c1"), call("genesys/acme/c2"), call("genesys/acme/c3"));
  socket.say(
    event("e1.0.6-0", call("genesys/acme/c1", { version: 3 })),
    event("e1.0.7-0", call("genesys/acme/c1", { version: 2 })),
    event("e1.0.8-0", call("genesys/acme/c2", { version: 2, call: { state: "ended", parties: [] } })),
    { op: "removed", id: "1", key: "genesys/acme/c3", version: 1 },
  );
  assert.deepEqual([...live.calls.values()].map(({ key, version }) => [key, version]), [["genesys/acme/c1", 3]]);
  assert.deepEqual(changes, [["genesys/acme/c1", 3], ["genesys/acme/c2", null], ["genesys/acme/c3", null]]);
  live.close();
});

const command = (stage, more = {}) => ({ id: "k1", action: "pause", stage, requested_at: "2026-01-01T12:00:00Z", ...more });
const taken = { op: "result", of: "command", id: "c1", command: command("requested") };

clocked("a command is followed to its end, over another connection if need be", async (tick) => {
  const live = tracker().calls();
  const socket = await begun(live, call());
  const stages = [];
  const done = live.command("genesys/acme/c1", "pause", { reason: "payment", onStage: ({ stage }) => stages.push(stage) });
  const [asked] = socket.asked("command");
  assert.deepEqual({ ...asked, idempotency_key: "" }, { op: "command", id: "c1", call: "genesys/acme/c1", action: "pause", reason: "payment", idempotency_key: "" });
  socket.end(1006);
  await tick(250);
  FakeSocket.last.open();
  FakeSocket.last.say(subscribed(true));
  assert.deepEqual(FakeSocket.last.asked("command"), [asked]);
  FakeSocket.last.say(taken);
  for (const [at, stage] of ["accepted", "confirmed"].entries()) {
    FakeSocket.last.say(event(`e1.0.${6 + at}-0`, call("genesys/acme/c1", { version: 2 + at, command: command(stage) })));
  }
  assert.equal((await done).stage, "confirmed");
  assert.deepEqual(stages, ["requested", "accepted", "confirmed"]);
  live.close();
});

clocked("a command that is not taken says why", async () => {
  const live = tracker().calls();
  const socket = await begun(live, call());
  const done = live.command("genesys/acme/c1", "pause");
  socket.say({ op: "error", id: "c1", status: 409, title: "Conflict", detail: "another command is open" });
  await assert.rejects(done, (error) => error instanceof ProblemError && error.status === 409);
  live.close();
});

clocked("a command is never asked for late", async (tick) => {
  const live = tracker().calls();
  (await begun(live, call())).end(1006);
  const done = live.command("genesys/acme/c1", "pause", { idempotencyKey: "order-1" });
  const refused = assert.rejects(done, (error) => error instanceof UnansweredError && error.idempotencyKey === "order-1");
  await tick(10_000);
  await refused;
  FakeSocket.last.open();
  FakeSocket.last.say(subscribed(true));
  assert.deepEqual(FakeSocket.last.asked("command"), []);
  live.close();
});

clocked("a command on a call that the filter leaves out does not wait for ever", async (tick) => {
  const live = tracker().calls({ agents: ["mroe"] });
  const socket = await begun(live);
  const done = live.command("genesys/acme/c1", "pause", { deadlineS: 5 });
  let error = null;
  done.catch((reason) => (error = reason));
  socket.say(taken);
  await tick(14_999);
  assert.equal(error, null);
  await tick(1);
  assert.ok(error instanceof UnansweredError);
  assert.equal(error.path, "calls/genesys/acme/c1/commands/k1");
  assert.match(error.message, /GET \/v1\/calls\/genesys\/acme\/c1\/commands\/k1/);
  live.close();
});

clocked("when events were lost, the snapshot says what became of a command", async (tick) => {
  const live = tracker().calls();
  const socket = await begun(live, call("genesys/acme/c1"), call("genesys/acme/c2"));
  const done = live.command("genesys/acme/c1", "pause");
  const lost = live.command("genesys/acme/c2", "pause");
  const unanswered = assert.rejects(lost, UnansweredError);
  socket.say(taken, { ...taken, id: "c2", command: { ...taken.command, id: "k2" } });
  socket.end(1006);
  await tick(250);
  FakeSocket.last.open();
  FakeSocket.last.say(subscribed(false), snapshot(call("genesys/acme/c1", { command: command("confirmed") })));
  assert.equal((await done).stage, "confirmed");
  await unanswered;
  live.close();
});

clocked("events are iterated, each once, until it is over", async (tick) => {
  const ending = new AbortController();
  const events = tracker().events({ states: ["paused"] }, { signal: ending.signal });
  const first = events.next();
  await settle();
  FakeSocket.last.open();
  FakeSocket.last.say(subscribed(false), event("e1.0.6-0", call()));
  assert.equal((await first).value.id, "e1.0.6-0");
  FakeSocket.last.end(1006);
  await tick(250);
  FakeSocket.last.open();
  FakeSocket.last.say(subscribed(true), event("e1.0.6-0", call()), event("e1.1.6-0", call()));
  assert.equal((await events.next()).value.id, "e1.1.6-0");
  ending.abort();
  assert.equal((await events.next()).done, true);
});

clocked("events that are gone are never skipped", async (tick) => {
  const events = tracker().events();
  const first = events.next();
  await settle();
  FakeSocket.last.open();
  FakeSocket.last.say(subscribed(false), event("e1.0.6-0", call()));
  await first;
  FakeSocket.last.end(4002);
  await tick(250);
  FakeSocket.last.open();
  FakeSocket.last.say(subscribed(false, "e2~1-0~1-0"));
  await assert.rejects(events.next(), PositionLostError);
});

clocked("what does not speak as tracker does is refused", async () => {
  const live = tracker().calls();
  await settle();
  FakeSocket.last.open();
  FakeSocket.last.onmessage({ data: "<html>" });
  assert.ok(live.error instanceof RefusedError);
});
