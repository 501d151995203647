/** A socket, a clock and frames for tests. */

/** As a browser's, with a test at the other end. */
export class FakeSocket {
  static all = [];

  constructor(url, protocols) {
    Object.assign(this, { url, protocols, readyState: 0, sent: [] });
    FakeSocket.all.push(this);
  }

  static get last() {
    return FakeSocket.all.at(-1);
  }

  open() {
    this.readyState = 1;
    this.onopen();
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  say(...frames) {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) });
  }

  end(code, reason = "") {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  close() {
    this.readyState = 3;
  }

  asked(op) {
    return this.sent.filter((frame) => frame.op === op);
  }
}

/** Let what waits for a promise go on. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

export const subscribed = (recovered, cursor = "e1~5-0~5-0") => ({
  op: "subscribed",
  id: "1",
  recovered,
  cursor,
  server_time: "2026-01-01T12:00:00Z",
});

export const mark = (live, cursor = "e1~5-0~5-0", server_time = "2026-01-01T12:00:00Z") => ({
  op: "cursor",
  cursor,
  live,
  server_time,
});

export const snapshot = (...calls) => ({ op: "snapshot", id: "1", calls, sources: [], accounts: [], more: false });

export const call = (key = "genesys/acme/c1", more = {}) => ({
  key,
  provider: key.split("/")[0],
  account: key.split("/")[1],
  version: 1,
  call: { state: "active", type: "inbound", ani: "…4711", dnis: "15001", parties: [party("jdoe")] },
  recording: { state: "recording", since: "2026-01-01T11:59:00Z", unknown_reason: null },
  command: null,
  allowed_actions: ["pause", "stop"],
  issues: [],
  media: [],
  ...more,
});

export const party = (agent, more = {}) => ({ agent, team: "sales", role: "agent", state: "active", left_at: null, ...more });

export const event = (id, shown, type = "tracker.recording.paused") => ({ id, type, subject: shown.key, data: { call: shown, change: {} } });

export const token = (claims) => `h.${btoa(JSON.stringify(claims)).replaceAll("=", "")}.s`;
